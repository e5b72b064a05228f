"""The backends' client package against the real service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest

from fixtures.queue_admin import RunningQueueAdmin, StartQueueAdmin, a_job_type
from fixtures.valkey import ValkeyServer
from jobqueue_client import Enqueued, JobQueue, JobQueueError, NewJob

DATA = {"ticketId": "42"}


class AnswerLostError(grpc.RpcError):
    """The call took effect and the connection broke."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "connection reset"

    def trailing_metadata(self) -> tuple[()]:
        return ()


@pytest.fixture
def client(queue_admin: RunningQueueAdmin) -> Iterator[JobQueue]:
    with a_client(queue_admin) as queue:
        yield queue


def a_client(admin: RunningQueueAdmin, *, timeout_seconds: float = 10.0) -> JobQueue:
    token_file = admin.authority.write_token(admin.folder, "SERVICE", sub="backend")
    return JobQueue(admin.address, token_file, timeout_seconds=timeout_seconds)


def test_a_job_is_handed_over_read_and_cancelled(client: JobQueue) -> None:
    made = client.enqueue("tickets", "ticket.created", DATA)

    assert (made.id, made.status, made.created) == ("ticket-created-42", "waiting", True)
    job = client.get("tickets", made.id)
    assert (job.queue, job.name, job.data, job.status) == ("tickets", "ticket.created", DATA, "waiting")
    assert client.cancel("tickets", made.id, reason="not needed") == "cancelled"
    cancelled = client.get("tickets", made.id)
    assert (cancelled.status, cancelled.cancelled, cancelled.failed_reason) == ("failed", True, "not needed")


def test_options_reach_the_job(client: JobQueue, queue_admin: RunningQueueAdmin) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)

    client.enqueue("tickets", "ticket.created", DATA, job_id="one", due_at=due, priority=3, attempts=7)
    client.enqueue(
        "tickets", "ticket.created", DATA, job_id="two", delay=timedelta(minutes=1), timeout=timedelta(seconds=5)
    )

    one, two = (queue_admin.engine.get_job("tickets", job_id).job for job_id in ("one", "two"))
    assert (one.due_at_ms, one.priority, one.max_attempts) == (round(due.timestamp() * 1000), 3, 7)
    assert (two.state, two.timeout_ms) == ("delayed", 5_000)
    assert client.enqueue("tickets", "ticket.created", {"ticketId": "9"}, job_id="one", if_exists="replace").created


def test_a_refusal_says_what_is_wrong(client: JobQueue) -> None:
    with pytest.raises(JobQueueError) as caught:
        client.enqueue("tickets", "ticket.created", {})

    assert (caught.value.reason, caught.value.fields) == ("PAYLOAD_INVALID", {"data.ticketId": "is required"})
    with pytest.raises(JobQueueError, match="JOB_NOT_FOUND"):
        client.get("tickets", "none")


def test_any_number_of_jobs_is_handed_over_each_answered_for_itself(client: JobQueue) -> None:
    jobs = [NewJob("ticket.created", {"ticketId": str(n)}) for n in range(1_200)]
    jobs[7] = NewJob("ticket.created", {})

    results = client.enqueue_many("tickets", jobs)

    assert len(results) == 1_200
    refusal = results[7]
    assert isinstance(refusal, JobQueueError)
    assert refusal.reason == "PAYLOAD_INVALID"
    assert results[1_199] == Enqueued("ticket-created-1199", "waiting", created=True)


def test_a_new_token_in_the_file_is_used_at_once(queue_admin: RunningQueueAdmin) -> None:
    path = queue_admin.authority.write_token(queue_admin.folder, "TENANT")
    with JobQueue(queue_admin.address, path) as client:
        with pytest.raises(JobQueueError, match="ROLE_REQUIRED"):
            client.enqueue("tickets", "ticket.created", DATA, job_id="one")
        Path(path).write_text(queue_admin.authority.token("SERVICE"))

        assert client.enqueue("tickets", "ticket.created", DATA, job_id="one").created


def test_while_the_store_is_away_the_client_goes_on_trying_and_makes_the_job_once(
    start_queue_admin: StartQueueAdmin, valkey_server: ValkeyServer
) -> None:
    admin = start_queue_admin(valkey_server.url)
    admin.register(a_job_type("send-notification", "notifications", id_template=""))
    with a_client(admin, timeout_seconds=15) as client:
        client.enqueue("notifications", "send-notification", DATA)
        valkey_server.kill()

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(client.enqueue, "notifications", "send-notification", DATA)
            with pytest.raises(TimeoutError):
                answer.result(1.5)
            valkey_server.start()
            made = answer.result(15)

        assert admin.engine.get_job("notifications", made.id).job.state == "waiting"
        assert admin.engine.count_jobs("notifications").waiting == 2


def test_a_try_whose_answer_was_lost_is_repeated_with_the_same_id(
    client: JobQueue, queue_admin: RunningQueueAdmin
) -> None:
    ids = []
    stub_enqueue = client._stub.EnqueueJob

    def loses_the_first_answer(request: object, **call: object) -> object:
        ids.append(request.opts.job_id)  # type: ignore[attr-defined]
        answer = stub_enqueue(request, **call)  # type: ignore[arg-type]
        if len(ids) == 1:
            raise AnswerLostError
        return answer

    client._stub.EnqueueJob = loses_the_first_answer  # type: ignore[assignment]

    made = client.enqueue("notifications", "send-notification", DATA)

    assert ids == [made.id, made.id]
    assert made.created is False
    assert queue_admin.engine.count_jobs("notifications").waiting == 1


def test_a_queue_that_stays_away_is_an_error_in_time(queue_admin: RunningQueueAdmin) -> None:
    token_file = queue_admin.authority.write_token(queue_admin.folder, "SERVICE")
    began = time.monotonic()
    with JobQueue("127.0.0.1:9", token_file, timeout_seconds=1.0) as client, pytest.raises(JobQueueError) as caught:
        client.enqueue("tickets", "ticket.created", DATA)

    assert caught.value.reason == "UNAVAILABLE"
    assert time.monotonic() - began < 2


def test_schedules_are_made_run_paused_and_removed(queue_admin: RunningQueueAdmin) -> None:
    token_file = queue_admin.authority.write_token(queue_admin.folder, "ADMIN", sub="deployment")
    with JobQueue(queue_admin.address, token_file) as queue:
        made = queue.schedules.upsert(
            "tickets", "nightly", "ticket.created", {"ticketId": "{date}"}, cron="0 6 * * *", time_zone="Europe/Berlin"
        )
        again = queue.schedules.upsert(
            "tickets", "nightly", "ticket.created", {"ticketId": "{date}"}, cron="0 6 * * *", time_zone="Europe/Berlin"
        )
        job_id = queue.schedules.run_now("tickets", "nightly")
        queue.schedules.pause("tickets", "nightly", reason="a holiday")

        (found,) = queue.schedules.list("tickets")
        assert (made.recurrence, made.data) == ("At 06:00 every day (Europe/Berlin)", {"ticketId": "{date}"})
        assert again.revision == made.revision
        assert (found.paused, found.next_run_at, found.last_job_id) == (True, None, job_id)
        queue.schedules.resume("tickets", "nightly")
        assert queue.schedules.get("tickets", "nightly").next_run_at == made.next_run_at
        queue.schedules.remove("tickets", "nightly")
        with pytest.raises(JobQueueError) as refusal:
            queue.schedules.get("tickets", "nightly")
    assert refusal.value.reason == "SCHEDULE_NOT_FOUND"
    assert [job.job_id for job in queue_admin.engine.find_jobs(job_id).jobs] == [job_id]


def test_a_run_by_hand_is_not_repeated_by_itself(start_queue_admin: StartQueueAdmin, valkey_url: str) -> None:
    admin = start_queue_admin(valkey_url)
    admin.register(a_job_type())
    token_file = admin.authority.write_token(admin.folder, "ADMIN", sub="deployment")
    with JobQueue(admin.address, token_file) as queue:
        queue.schedules.upsert("tickets", "nightly", "ticket.created", DATA, interval=timedelta(days=300))
        stub, calls = queue.schedules._stub, []

        def run_and_lose_the_answer(*args: object, **options: object) -> None:
            calls.append(stub.RunScheduleNow(*args, **options))  # type: ignore[arg-type]
            raise AnswerLostError

        queue.schedules._stub = SimpleNamespace(RunScheduleNow=run_and_lose_the_answer)  # type: ignore[assignment]
        with pytest.raises(JobQueueError, match="UNAVAILABLE"):
            queue.schedules.run_now("tickets", "nightly")
    assert len(calls) == 1

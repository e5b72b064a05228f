"""What an autoscaler of workers is told, by the metrics port of the real service on a real store."""

from __future__ import annotations

from typing import Any

import httpx

from fixtures.queue_admin import RunningQueueAdmin, StartQueueAdmin
from fixtures.valkey import ValkeyServer
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.waiting import wait_until


def ask(admin: RunningQueueAdmin, queue: str) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(f"http://127.0.0.1:{admin.service.metrics_port}/scaling/{queue}", timeout=10)
    return answer.status_code, answer.json()


def enqueue(admin: RunningQueueAdmin, *job_ids: str, delay_ms: int = 0) -> None:
    for job_id in job_ids:
        options = job_pb2.JobOptions(job_id=job_id, delay=delay_ms or None)
        admin.stub("SERVICE", sub="backend").EnqueueJob(
            pb.EnqueueJobRequest(queue="tickets", name="ticket.created", data=b'{"ticketId":"7"}', opts=options)
        )


def test_waiting_and_running_jobs_are_load_and_delayed_ones_are_not(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one", "two", "three")
    enqueue(queue_admin, "later", delay_ms=600_000)
    queue_admin.take(want=1)

    status, load = ask(queue_admin, "tickets")

    assert status == 200
    assert (load["runnable"], load["active"], load["load"]) == (2, 1, 3)


def test_the_age_of_the_oldest_runnable_job_grows(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one")

    wait_until(lambda: ask(queue_admin, "tickets")[1]["oldestRunnableAgeSeconds"] > 0.2)

    queue_admin.take(want=1)
    assert ask(queue_admin, "tickets")[1]["oldestRunnableAgeSeconds"] == 0


def test_a_paused_queue_asks_for_no_workers_but_those_that_are_busy(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one", "two", "three")
    queue_admin.take(want=1)
    queue_admin.stub("OPS").PauseQueue(pb.PauseQueueRequest(queue="tickets"))

    _, load = ask(queue_admin, "tickets")

    assert (load["runnable"], load["load"], load["oldestRunnableAgeSeconds"]) == (0, 1, 0)


def test_a_queue_that_never_had_a_job_has_no_load(queue_admin: RunningQueueAdmin) -> None:
    assert ask(queue_admin, "never-used")[0] == 200
    assert ask(queue_admin, "never-used")[1]["load"] == 0


def test_a_name_that_no_queue_can_have_is_not_found(queue_admin: RunningQueueAdmin) -> None:
    assert ask(queue_admin, "No%20Queue")[0] == 404
    assert ask(queue_admin, "")[0] == 404


def test_with_the_store_away_no_number_is_given(
    start_queue_admin: StartQueueAdmin, valkey_server: ValkeyServer
) -> None:
    admin = start_queue_admin(valkey_server.url)
    valkey_server.kill()

    status, answer = ask(admin, "tickets")

    assert status == 503
    assert "load" not in answer

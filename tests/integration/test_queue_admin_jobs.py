from __future__ import annotations

import orjson
import pytest

from fixtures.queue_admin import LEASE_MS, WORKER, RunningQueueAdmin
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused

RETRY, REMOVE = audit_service_pb2.AUDIT_ACTION_RETRY, audit_service_pb2.AUDIT_ACTION_REMOVE


def enqueue(admin: RunningQueueAdmin, job_id: str = "one", *, sub: str = "backend", delay: int | None = None) -> None:
    admin.stub("SERVICE", sub=sub).EnqueueJob(
        pb.EnqueueJobRequest(
            queue="tickets",
            name="ticket.created",
            data=b'{"ticketId":"7"}',
            opts=job_pb2.JobOptions(job_id=job_id, delay=delay),
        )
    )


def get(admin: RunningQueueAdmin, job_id: str = "one") -> pb.GetJobResponse:
    return admin.stub("OPS").GetJob(pb.GetJobRequest(queue="tickets", job_id=job_id))


def test_a_completed_job_shows_its_whole_history(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    (lease,) = queue_admin.take()
    queue_admin.engine.set_progress(lease, b'{"done":1}', worker=WORKER)
    queue_admin.engine.add_log(lease, "notified 2 members", worker=WORKER)
    queue_admin.complete(lease)

    answer = get(queue_admin)

    job = answer.job
    assert (job.id, job.queue, job.name, job.owner, job.worker) == (
        "one",
        "tickets",
        "ticket.created",
        "backend",
        WORKER,
    )
    assert job.status == job_pb2.JOB_STATE_COMPLETED
    assert (job.data, job.progress, answer.return_value) == (b'{"ticketId":"7"}', b'{"done":1}', b'{"notified":2}')
    assert (job.attempts_made, job.max_attempts, job.deliveries) == (1, 3, 1)
    assert 0 < job.timestamp <= job.processed_on <= job.finished_on
    assert [(a.delivery, a.worker, a.outcome) for a in answer.attempts] == [(1, WORKER, "completed")]
    assert [line.text for line in answer.logs] == ["notified 2 members"]
    assert (answer.opts.job_id, answer.opts.attempts, answer.opts.timeout) == ("one", 3, 60_000)


def test_a_dead_job_says_why_and_where(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    queue_admin.bury(queue_admin.take()[0])

    answer = get(queue_admin)

    assert answer.job.status == job_pb2.JOB_STATE_FAILED
    assert (answer.job.failed_reason, answer.job.failure_kind, answer.job.dead) == ("boom", "exception", True)
    assert list(answer.stacktrace) == ["line 1", "line 2"]


def test_absent_values_stay_absent(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)

    job = get(queue_admin).job

    absent = ("due_at", "processed_on", "finished_on", "failed_reason", "failure_kind", "worker", "original_queue")
    assert [name for name in absent if job.HasField(name)] == []  # type: ignore[arg-type]
    assert (job.progress, job.dead, job.cancelled, job.malformed) == (b"", False, False, False)


def test_a_failed_job_is_retried_with_its_attempts_reset(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    answer = queue_admin.stub("OPS", sub="olga").RetryJob(
        pb.RetryJobRequest(queue="tickets", job_id="one", reason="fixed the address")
    )

    assert answer == pb.RetryJobResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_RETRIED)
    shown = get(queue_admin)
    assert (shown.job.status, shown.job.attempts_made) == (job_pb2.JOB_STATE_WAITING, 0)
    assert [attempt.outcome for attempt in shown.attempts] == ["failed"]
    (record,) = queue_admin.recorded()
    assert (record.action, record.job_id, record.actor, record.reason) == (RETRY, "one", "olga", "fixed the address")
    assert record.token_id


def test_a_job_that_has_not_failed_cannot_be_retried(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)

    with refused("WRONG_STATE") as call:
        queue_admin.stub("OPS").RetryJob(pb.RetryJobRequest(queue="tickets", job_id="one"))

    assert call.error.detail == "job 'one' is waiting and cannot be retried"
    assert queue_admin.recorded() == []


def test_a_retry_can_carry_other_data(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    queue_admin.stub("OPS").RetryJob(pb.RetryJobRequest(queue="tickets", job_id="one", data=b'{"ticketId":"8"}'))

    assert get(queue_admin).job.data == b'{"ticketId":"8"}'
    assert orjson.loads(queue_admin.recorded()[0].detail) == {"old": {"ticketId": "7"}, "new": {"ticketId": "8"}}


@pytest.mark.parametrize(
    ("data", "reason"),
    [pytest.param(b'{"ticketId":8}', "PAYLOAD_INVALID", id="misfit"), pytest.param(b"", "INVALID_REQUEST", id="empty")],
)
def test_other_data_must_fit_the_schema_too(queue_admin: RunningQueueAdmin, data: bytes, reason: str) -> None:
    queue_admin.bury_job("one")

    with refused(reason):
        queue_admin.stub("OPS").RetryJob(pb.RetryJobRequest(queue="tickets", job_id="one", data=data))

    assert get(queue_admin).job.status == job_pb2.JOB_STATE_FAILED


def test_a_removed_job_is_gone_and_its_id_free(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)

    answer = queue_admin.stub("OPS").RemoveJob(pb.RemoveJobRequest(queue="tickets", job_id="one"))

    assert answer == pb.RemoveJobResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_REMOVED)
    with refused("JOB_NOT_FOUND"):
        get(queue_admin)
    enqueue(queue_admin, sub="another")
    assert [r.action for r in queue_admin.recorded()] == [REMOVE]


def test_an_active_job_cannot_be_removed(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    queue_admin.take()

    with refused("WRONG_STATE"):
        queue_admin.stub("OPS").RemoveJob(pb.RemoveJobRequest(queue="tickets", job_id="one"))


@pytest.mark.parametrize("delay", [pytest.param(None, id="waiting"), pytest.param(60_000, id="delayed")])
def test_a_job_that_has_not_begun_is_cancelled_at_once(queue_admin: RunningQueueAdmin, delay: int | None) -> None:
    enqueue(queue_admin, delay=delay)

    answer = queue_admin.stub("OPS").CancelJob(pb.CancelJobRequest(queue="tickets", job_id="one", reason="not needed"))

    assert answer == pb.CancelJobResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_CANCELLED)
    job = get(queue_admin).job
    assert (job.status, job.cancelled, job.dead) == (job_pb2.JOB_STATE_FAILED, True, False)
    assert (job.failed_reason, job.failure_kind) == ("not needed", "cancelled")
    assert queue_admin.take() == ()


def test_the_cancel_of_an_active_job_is_requested(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    (lease,) = queue_admin.take()

    answer = queue_admin.stub("OPS").CancelJob(pb.CancelJobRequest(queue="tickets", job_id="one"))

    assert answer.outcome == job_pb2.ACTION_OUTCOME_REQUESTED
    assert get(queue_admin).job.cancel_requested
    (renewal,) = queue_admin.engine.renew_leases([lease], worker=WORKER, lease_ms=LEASE_MS)
    assert renewal == "cancel_requested"


def test_a_finished_job_cannot_be_cancelled(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    queue_admin.complete(queue_admin.take()[0])

    with refused("WRONG_STATE"):
        queue_admin.stub("OPS").CancelJob(pb.CancelJobRequest(queue="tickets", job_id="one"))


@pytest.mark.parametrize("queue", [pytest.param("tickets", id="job"), pytest.param("elsewhere", id="queue")])
def test_what_does_not_exist_is_not_found(queue_admin: RunningQueueAdmin, queue: str) -> None:
    ops = queue_admin.stub("OPS")
    reason = "JOB_NOT_FOUND" if queue == "tickets" else "QUEUE_NOT_FOUND"

    for call in (
        lambda: ops.GetJob(pb.GetJobRequest(queue=queue, job_id="none")),
        lambda: ops.RetryJob(pb.RetryJobRequest(queue=queue, job_id="none")),
        lambda: ops.RetryJob(pb.RetryJobRequest(queue=queue, job_id="none", data=b"{}")),
        lambda: ops.RemoveJob(pb.RemoveJobRequest(queue=queue, job_id="none")),
        lambda: ops.CancelJob(pb.CancelJobRequest(queue=queue, job_id="none")),
    ):
        with refused(reason):
            call()


def test_a_backend_reads_and_cancels_its_own_jobs(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    backend = queue_admin.stub("SERVICE", sub="backend")

    assert backend.GetJob(pb.GetJobRequest(queue="tickets", job_id="one")).job.id == "one"
    outcome = backend.CancelJob(pb.CancelJobRequest(queue="tickets", job_id="one")).outcome
    assert outcome == job_pb2.ACTION_OUTCOME_CANCELLED
    assert [r.actor for r in queue_admin.recorded()] == ["backend"]


def test_to_a_backend_the_jobs_of_others_do_not_exist(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    stranger = queue_admin.stub("SERVICE", sub="stranger")

    with refused("JOB_NOT_FOUND"):
        stranger.GetJob(pb.GetJobRequest(queue="tickets", job_id="one"))
    with refused("JOB_NOT_FOUND"):
        stranger.CancelJob(pb.CancelJobRequest(queue="tickets", job_id="one"))
    assert get(queue_admin).job.status == job_pb2.JOB_STATE_WAITING

from __future__ import annotations

import orjson
import pytest

from engine.builders import LEASE_MS, QUEUE, Clock, Worker, a_failure, a_job, an_action, state_of
from queue_engine.domain.errors import JobNotFound, QueueReserved, WrongState
from queue_engine.domain.job import FailureKind, JobState
from queue_engine.domain.lease import Completed, Deferred, Interrupted, Outcome, Released, Renewal
from queue_engine.engine import QueueEngine

ENDINGS = [
    a_failure(),
    a_failure(retry_delay_ms=None),
    Deferred("away", 0),
    Released(),
    Released(begun=True),
    Interrupted(),
]


def outcomes(engine: QueueEngine) -> list[tuple[str, str]]:
    records = engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000)
    return [(record.action, orjson.loads(record.detail).get("outcome", "")) for record in records]


@pytest.mark.parametrize("delay_ms", [None, 60_000], ids=["waiting", "delayed"])
def test_a_job_that_has_not_begun_is_cancelled_at_once(
    engine: QueueEngine, worker: Worker, delay_ms: int | None
) -> None:
    engine.enqueue_job(QUEUE, a_job(delay_ms=delay_ms))

    assert engine.cancel_job(QUEUE, "job-1", action=an_action("not needed")) == "cancelled"

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.state, job.cancelled, job.dead) == (JobState.FAILED, True, False)
    assert (job.failed_reason, job.failure_kind) == ("not needed", FailureKind.CANCELLED)
    assert worker.take() == ()
    assert outcomes(engine) == [("cancel", "cancelled")]


def test_without_a_reason_the_job_says_manually_cancelled(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job())

    engine.cancel_job(QUEUE, "job-1", action=an_action())

    assert engine.get_job(QUEUE, "job-1").job.failed_reason == "Manually cancelled"


def test_a_suspect_can_be_cancelled(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.take()
    clock.expire_lease("job-1")
    engine.reap_leases(QUEUE)

    assert engine.cancel_job(QUEUE, "job-1", action=an_action()) == "cancelled"
    assert worker.take() == ()


@pytest.mark.parametrize("outcome", ENDINGS, ids=str)
def test_a_cancelled_running_job_never_runs_again_and_is_no_dead_letter(
    engine: QueueEngine, worker: Worker, outcome: Outcome
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()

    assert engine.cancel_job(QUEUE, "job-1", action=an_action()) == "requested"
    assert engine.renew_leases([lease], worker=worker.name, lease_ms=LEASE_MS) == [Renewal.CANCEL_REQUESTED]
    assert engine.check_leases([lease], worker=worker.name) == [Renewal.CANCEL_REQUESTED]
    worker.report(lease, outcome)

    assert worker.take() == ()
    job = engine.get_job(QUEUE, "job-1").job
    assert (job.state, job.cancelled, job.dead) == (JobState.FAILED, True, False)
    assert engine.count_jobs(QUEUE).dead == 0
    assert outcomes(engine) == [("cancel", "requested"), ("cancel_outcome", "cancelled")]


def test_a_lost_lease_of_a_cancelled_job_ends_it(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.take()
    engine.cancel_job(QUEUE, "job-1", action=an_action())
    clock.expire_lease("job-1")

    assert worker.take() == ()
    assert engine.get_job(QUEUE, "job-1").job.cancelled
    assert outcomes(engine)[-1] == ("cancel_outcome", "cancelled")


def test_a_reclaimed_cancelled_job_ends_too(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.take()
    engine.cancel_job(QUEUE, "job-1", action=an_action())

    engine.reclaim_leases(QUEUE, worker=worker.name, known_tokens=[])

    assert engine.get_job(QUEUE, "job-1").job.cancelled


def test_a_cancel_that_came_too_late_stays_on_record(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    engine.cancel_job(QUEUE, "job-1", action=an_action())

    worker.complete(lease)

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.state, job.cancel_requested, job.cancelled) == (JobState.COMPLETED, True, False)
    assert outcomes(engine)[-1] == ("cancel_outcome", "completed")


def test_a_retry_forgets_the_cancel(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    engine.cancel_job(QUEUE, "job-1", action=an_action())
    worker.report(lease, Interrupted())

    engine.retry_job(QUEUE, "job-1", action=an_action())

    assert worker.run(Completed()).job_id == "job-1"
    assert not engine.get_job(QUEUE, "job-1").job.cancel_requested


def test_a_finished_job_cannot_be_cancelled(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(Completed())

    with pytest.raises(WrongState):
        engine.cancel_job(QUEUE, "job-1", action=an_action())
    with pytest.raises(JobNotFound):
        engine.cancel_job(QUEUE, "job-2", action=an_action())
    with pytest.raises(QueueReserved):
        engine.cancel_job("dead-letter", "tickets:job-1", action=an_action())
    assert state_of(engine, "job-1") is JobState.COMPLETED

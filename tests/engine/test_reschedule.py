from __future__ import annotations

import time

import orjson
import pytest

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, ids_of, state_of
from queue_engine.domain.errors import InvalidArgument, JobNotFound, QueueReserved, WrongState
from queue_engine.domain.job import DEAD_LETTER_QUEUE, JobState
from queue_engine.engine import QueueEngine

NOON = 4_102_488_000_000  # 1 January 2100
HOUR_MS = 3_600_000


def reschedule(engine: QueueEngine, due_at_ms: int | None = None, job_id: str = "job-1") -> bool:
    return engine.reschedule_job(QUEUE, job_id, due_at_ms=due_at_ms, action=an_action("a customer waits"))


def details(engine: QueueEngine) -> list[dict[str, int | None]]:
    records = engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000)
    assert {(record.action, record.reason) for record in records} <= {("reschedule", "a customer waits")}
    return [orjson.loads(record.detail) for record in records]


def test_a_delayed_job_gets_another_due_time(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job(due_at_ms=NOON))

    assert reschedule(engine, NOON + 1)

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.state, job.due_at_ms) == (JobState.DELAYED, NOON + 1)
    assert details(engine) == [{"oldDueAt": NOON, "newDueAt": NOON + 1}]


@pytest.mark.parametrize("due_at_ms", [None, 0, 1_000], ids=["now", "zero", "past"])
def test_a_delayed_job_that_is_to_run_now_waits(engine: QueueEngine, worker: Worker, due_at_ms: int | None) -> None:
    engine.enqueue_jobs(QUEUE, [a_job(due_at_ms=NOON), a_job("earlier")])

    assert reschedule(engine, due_at_ms)

    assert ids_of(worker.take()) == ["earlier", "job-1"]
    assert details(engine) == [{"oldDueAt": NOON, "newDueAt": None}]


def test_a_waiting_job_can_be_put_off(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())

    assert reschedule(engine, NOON)

    assert worker.take() == ()
    assert details(engine) == [{"oldDueAt": None, "newDueAt": NOON}]
    clock.make_due("job-1")
    assert ids_of(worker.take()) == ["job-1"]


def test_what_is_so_already_is_not_recorded(engine: QueueEngine) -> None:
    engine.enqueue_jobs(QUEUE, [a_job(due_at_ms=NOON), a_job("waiting")])

    assert not reschedule(engine, NOON)
    assert not reschedule(engine, job_id="waiting")

    assert details(engine) == []


def test_the_latest_due_time_a_caller_may_give_is_kept_exactly(engine: QueueEngine) -> None:
    latest = 253_402_300_799_999
    engine.enqueue_job(QUEUE, a_job())

    reschedule(engine, latest)
    reschedule(engine, latest - 1)

    assert engine.get_job(QUEUE, "job-1").job.due_at_ms == latest - 1
    assert details(engine)[1] == {"oldDueAt": latest, "newDueAt": latest - 1}


def test_a_priority_is_kept(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(
        QUEUE, [a_job(priority=5, due_at_ms=NOON), a_job("same", priority=5), a_job("less", priority=6)]
    )

    reschedule(engine)

    assert ids_of(worker.take()) == ["same", "job-1", "less"]


def test_a_backoff_can_be_cut_short_and_the_attempts_stay(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(a_failure(retry_delay_ms=HOUR_MS))

    assert reschedule(engine)

    assert worker.take_one().attempts_made == 1


def test_a_suspect_that_is_put_off_is_still_tried_alone_and_buried_after_three(
    engine: QueueEngine, worker: Worker, clock: Clock
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    for _ in range(2):
        worker.take_one()
        clock.expire_lease("job-1")
        engine.reap_leases(QUEUE)

    reschedule(engine, NOON)
    engine.enqueue_job(QUEUE, a_job("other"))
    clock.make_due("job-1")

    leases = worker.take()
    assert [(lease.job_id, lease.suspect) for lease in leases] == [("job-1", True)]
    clock.expire_lease("job-1")
    engine.reap_leases(QUEUE)
    assert engine.get_job(QUEUE, "job-1").job.dead


def test_an_idle_worker_is_woken(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job(due_at_ms=NOON))
    assert engine.wait_for_work(QUEUE, timeout_seconds=0.2)  # the mark of the enqueue

    reschedule(engine)
    assert engine.wait_for_work(QUEUE, timeout_seconds=1)
    reschedule(engine, round(time.time() * 1000) + HOUR_MS)
    assert engine.wait_for_work(QUEUE, timeout_seconds=1)


def test_a_job_that_runs_or_ended_is_refused(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("runs"), a_job("completed"), a_job("dead")])
    _, completed, dead = worker.take()
    worker.complete(completed)
    worker.report(dead, a_failure(retry_delay_ms=None))

    for job_id, state in (("runs", "active"), ("completed", "completed"), ("dead", "failed")):
        with pytest.raises(WrongState, match=f"is {state} and cannot be rescheduled"):
            reschedule(engine, NOON, job_id)
        assert state_of(engine, job_id) == state
    with pytest.raises(JobNotFound):
        reschedule(engine, NOON, "nobody")
    with pytest.raises(InvalidArgument, match="due_at_ms"):
        reschedule(engine, -1)
    with pytest.raises(QueueReserved):
        engine.reschedule_job(DEAD_LETTER_QUEUE, "tickets:dead", action=an_action())
    assert details(engine) == []

from __future__ import annotations

import pytest

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, ids_of, state_of
from queue_engine.domain.job import FailureKind, JobState
from queue_engine.domain.lease import Completed, Deferred, Outcome, Released
from queue_engine.engine import QueueEngine


def lose(engine: QueueEngine, clock: Clock, *job_ids: str, worker: str = "victim") -> None:
    """A worker takes jobs until it has these, then dies."""
    victim = Worker(engine, worker)
    held = ids_of(victim.take())
    assert set(job_ids) <= set(held)
    for job_id in held:
        clock.expire_lease(job_id)
    engine.reap_leases(QUEUE)


def test_three_lost_leases_in_a_row_bury_the_job_after_exactly_three_runs(engine: QueueEngine, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())
    for _ in range(3):
        assert state_of(engine, "job-1") is JobState.WAITING
        lose(engine, clock, "job-1")

    detail = engine.get_job(QUEUE, "job-1")
    assert (detail.job.state, detail.job.dead) == (JobState.FAILED, True)
    assert detail.job.failure_kind is FailureKind.WORKER_LOST
    assert (detail.job.deliveries, detail.job.attempts_made, detail.job.lost_leases) == (3, 0, 3)
    assert [attempt.outcome for attempt in detail.attempts] == ["lost"] * 3
    assert Worker(engine).take() == ()


@pytest.mark.parametrize(
    "outcome",
    [a_failure(), Deferred("away", 0), Released(begun=True)],
    ids=["failed", "deferred", "released after it began"],
)
def test_any_accepted_report_clears_the_suspicion(engine: QueueEngine, clock: Clock, outcome: Outcome) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lose(engine, clock, "job-1")
    lose(engine, clock, "job-1")

    Worker(engine).run(outcome)

    lease = Worker(engine).take_one()
    assert lease.suspect is False
    assert engine.get_job(QUEUE, "job-1").job.lost_leases == 0


def test_a_suspect_given_back_before_it_began_stays_one(engine: QueueEngine, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lose(engine, clock, "job-1")

    Worker(engine).run(Released(begun=False))

    assert Worker(engine).take_one().suspect is True
    assert engine.get_job(QUEUE, "job-1").job.lost_leases == 1


def test_attempts_that_failed_are_no_reason_for_suspicion(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(a_failure())

    assert worker.take_one().suspect is False


def test_a_suspect_is_handed_out_alone_and_one_per_worker(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b")])
    lose(engine, clock, "a", "b")
    engine.enqueue_jobs(QUEUE, [a_job("c"), a_job("d")])

    (suspect,) = worker.take()

    assert (suspect.job_id, suspect.suspect) == ("a", True)
    assert ids_of(worker.take()) == ["c", "d"]
    assert ids_of(Worker(engine, "other").take()) == ["b"]
    worker.complete(suspect)


def test_a_worker_gets_the_next_suspect_once_the_last_one_is_settled(
    engine: QueueEngine, worker: Worker, clock: Clock
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")])
    lose(engine, clock, "a", "b", "c")

    for job_id in ("a", "b", "c"):
        assert worker.run(Completed()).job_id == job_id


def test_bystanders_of_a_poison_job_all_complete(engine: QueueEngine, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("poison"), *(a_job(f"job-{number}") for number in range(5))])
    runs = 0
    for _ in range(20):
        worker = Worker(engine, f"process-{runs}")
        leases = worker.take()
        if "poison" in ids_of(leases):
            runs += 1
            for lease in leases:
                clock.expire_lease(lease.job_id)
        else:
            for lease in leases:
                worker.complete(lease)

    counts = engine.count_jobs(QUEUE)
    assert (runs, counts.completed, counts.dead, counts.waiting) == (3, 5, 1, 0)


def test_a_dead_workers_suspect_does_not_block_its_successor_of_the_same_name(
    engine: QueueEngine, worker: Worker, clock: Clock
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b")])
    lose(engine, clock, "a", "b")
    worker.take()
    clock.expire_lease("a")

    assert ids_of(worker.take()) == ["a"]

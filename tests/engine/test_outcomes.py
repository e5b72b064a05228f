from __future__ import annotations

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, ids_of, state_of
from queue_engine.domain.errors import WrongState
from queue_engine.domain.job import FailureKind, JobState
from queue_engine.domain.lease import Completed, Deferred, Failed, Released
from queue_engine.engine import QueueEngine


def test_a_completed_job_keeps_its_value_and_one_attempt(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(Completed(b'{"sent":2}'))

    detail = engine.get_job(QUEUE, "job-1")

    assert (detail.job.state, detail.job.return_value, detail.job.attempts_made) == (
        JobState.COMPLETED,
        b'{"sent":2}',
        1,
    )
    (attempt,) = detail.attempts
    assert (attempt.delivery, attempt.worker, attempt.outcome) == (1, "worker-1", "completed")
    assert attempt.ended_at_ms is not None
    assert attempt.ended_at_ms >= attempt.started_at_ms


def test_a_running_job_shows_its_running_attempt(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.take()

    (attempt,) = engine.get_job(QUEUE, "job-1").attempts

    assert (attempt.outcome, attempt.ended_at_ms, attempt.worker) == ("running", None, "worker-1")


def test_a_failure_waits_for_its_backoff_and_then_runs_again(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(a_failure("no answer", retry_delay_ms=60_000))

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.state, job.failed_reason, job.attempts_made) == (JobState.DELAYED, "no answer", 1)
    assert job.due_at_ms is not None
    assert worker.take() == ()
    clock.make_due("job-1")
    assert worker.take_one().attempts_made == 1


def test_the_last_attempt_that_fails_makes_a_dead_job(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job(attempts=2))
    worker.run(a_failure("first"))
    worker.run(a_failure("second"))

    detail = engine.get_job(QUEUE, "job-1")

    assert (detail.job.state, detail.job.dead, detail.job.failed_reason) == (JobState.FAILED, True, "second")
    assert (detail.job.stack, detail.job.error_class) == ("Traceback: boom", "ValueError")
    assert [(a.outcome, a.error) for a in detail.attempts] == [("retried", "first"), ("failed", "second")]


def test_a_failure_without_retry_is_dead_at_once(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())

    worker.run(Failed("bad address", "Refused", "", FailureKind.OTHER, None))

    assert engine.get_job(QUEUE, "job-1").job.dead


def test_success_after_failures_leaves_no_error(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(a_failure())
    worker.run(Completed())

    detail = engine.get_job(QUEUE, "job-1")

    assert (detail.job.failed_reason, detail.job.failure_kind, detail.job.attempts_made) == (None, None, 2)
    assert [attempt.outcome for attempt in detail.attempts] == ["retried", "completed"]


def test_deferring_counts_no_attempt_and_is_one_record_in_a_row(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job(attempts=1))
    for _ in range(5):
        worker.run(Deferred("the database is away", 0))

    detail = engine.get_job(QUEUE, "job-1")

    assert (detail.job.state, detail.job.attempts_made, detail.job.deliveries) == (JobState.WAITING, 0, 5)
    assert [(a.outcome, a.delivery) for a in detail.attempts] == [("deferred", 5)]
    assert engine.count_jobs(QUEUE).totals["deferred"] == 5


@pytest.mark.parametrize("tighter", [None, 1_000], ids=["the job's own bound", "a tighter bound of the report"])
def test_deferring_past_the_maximum_age_is_dead_with_its_reason(
    engine: QueueEngine, worker: Worker, client: redis.Redis, tighter: int | None
) -> None:
    engine.enqueue_job(QUEUE, a_job(max_age_ms=5_000))
    deferred = Deferred("unknown actor", 0, FailureKind.ACTOR_UNKNOWN, tighter)
    worker.run(deferred)
    since = int(client.hget(f"jobs:{{{QUEUE}}}:j:job-1", "df") or 0)
    client.hset(f"jobs:{{{QUEUE}}}:j:job-1", "df", str(since - (tighter or 5_000) - 1))

    worker.run(deferred)

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.dead, job.failed_reason, job.failure_kind) == (True, "unknown actor", FailureKind.ACTOR_UNKNOWN)


def test_an_appointment_long_ahead_may_still_be_deferred_when_it_is_due(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_job(QUEUE, a_job(max_age_ms=5_000))
    client.hincrby(f"jobs:{{{QUEUE}}}:j:job-1", "ts", -10_000)

    worker.run(Deferred("away", 60_000))

    assert state_of(engine, "job-1") is JobState.DELAYED


def test_giving_back_a_job_burns_nothing(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())

    worker.run(Released())

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.state, job.attempts_made, job.deliveries) == (JobState.WAITING, 0, 0)


def test_giving_back_a_job_that_had_begun_leaves_a_record(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())

    worker.run(Released(begun=True))

    detail = engine.get_job(QUEUE, "job-1")
    assert (detail.job.deliveries, [a.outcome for a in detail.attempts]) == (1, ["released"])


def test_at_most_twenty_attempt_records_are_kept(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job(attempts=30))
    for _ in range(25):
        worker.run(a_failure())

    attempts = engine.get_job(QUEUE, "job-1").attempts

    assert [attempts[0].delivery, attempts[-1].delivery, len(attempts)] == [6, 25, 20]


def test_a_lost_lease_counts_no_attempt(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job(attempts=1))
    worker.take()
    clock.expire_lease("job-1")

    lease = worker.take_one()

    assert (lease.attempts_made, lease.deliveries, lease.suspect) == (0, 2, True)


def test_retry_starts_over_with_the_history_kept(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job(attempts=1))
    worker.run(a_failure())

    engine.retry_job(QUEUE, "job-1", action=an_action(), data=b'{"ticketId":2}')

    lease = worker.take_one()
    assert (lease.attempts_made, lease.data) == (0, b'{"ticketId":2}')
    worker.complete(lease)
    assert [a.outcome for a in engine.get_job(QUEUE, "job-1").attempts] == ["failed", "completed"]


def test_only_a_failed_job_can_be_retried_and_no_active_one_removed(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    with pytest.raises(WrongState, match="is waiting and cannot be retried"):
        engine.retry_job(QUEUE, "job-1", action=an_action())
    worker.take()

    with pytest.raises(WrongState, match="is active and cannot be removed"):
        engine.remove_job(QUEUE, "job-1", action=an_action())


def test_a_paused_queue_hands_out_nothing_but_settles(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b")])
    lease = worker.take_one()

    assert engine.pause_queue(QUEUE, action=an_action("maintenance"))
    assert not engine.pause_queue(QUEUE, action=an_action())
    worker.complete(lease)
    settled = worker.settle(want=5)

    assert (settled.leases, settled.paused) == ((), True)
    counts = engine.count_jobs(QUEUE)
    assert (counts.paused, counts.paused_by, counts.paused_reason) == (True, "ops@local", "maintenance")
    assert engine.resume_queue(QUEUE, action=an_action())
    assert not engine.resume_queue(QUEUE, action=an_action())
    assert ids_of(worker.take()) == ["b"]


def test_text_that_is_no_unicode_and_endless_text_are_kept_bounded(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())

    worker.run(Failed("\ud800" + "x" * 5_000, "E", "é" * 10_000 + "end", FailureKind.EXCEPTION, None))

    job = engine.get_job(QUEUE, "job-1").job
    assert job.failed_reason is not None
    assert job.stack is not None
    assert (len(job.failed_reason), len(job.stack), job.stack[-3:]) == (1_000, 4_000, "end")

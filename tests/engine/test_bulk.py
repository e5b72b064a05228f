from __future__ import annotations

from typing import Any

import pytest
import redis

from engine.builders import QUEUE, Worker, a_failure, a_job, an_action
from queue_engine.domain.errors import InvalidArgument, QueueReserved
from queue_engine.domain.job import FailureKind, IfExists, JobState
from queue_engine.domain.lease import Completed, Failed, Interrupted
from queue_engine.engine import BulkResult, JobFilter, QueueEngine
from support.waiting import wait_until


def bury(engine: QueueEngine, job_id: str, *, name: str = "ticket.created", error: str = "boom") -> None:
    engine.enqueue_job(QUEUE, a_job(job_id, name=name))
    Worker(engine).run(Failed(error, "E", "", FailureKind.EXCEPTION, None))


@pytest.fixture
def graveyard(engine: QueueEngine) -> QueueEngine:
    """Three dead jobs and a cancelled one."""
    bury(engine, "a", error="no answer from smtp")
    bury(engine, "b", name="ticket.quoted")
    bury(engine, "c")
    engine.enqueue_job(QUEUE, a_job("cancelled"))
    engine.cancel_job(QUEUE, "cancelled", action=an_action("smtp is not wanted"))
    return engine


@pytest.mark.parametrize(
    ("which", "matched"),
    [
        (JobFilter(), 4),
        (JobFilter(dead_only=True), 3),
        (JobFilter(name="ticket.created"), 3),
        (JobFilter(error_contains="smtp"), 2),
        (JobFilter(error_contains="smtp", dead_only=True), 1),
        (JobFilter(finished_before_ms=1), 0),
        (JobFilter(finished_after_ms=1), 4),
        (JobFilter(limit=2), 2),
        (JobFilter(ids=("a", "b"), name="ticket.created"), 1),
        (JobFilter(ids=("a", "a")), 1),
        (JobFilter(ids=("a", "cancelled"), dead_only=True), 1),
        (JobFilter(state=JobState.COMPLETED), 0),
    ],
    ids=str,
)
def test_the_filter_means_these_jobs_and_a_dry_run_changes_none(
    graveyard: QueueEngine, which: JobFilter, matched: int
) -> None:
    dry = graveyard.remove_jobs(QUEUE, which, action=an_action(), dry_run=True)
    assert (dry.matched, dry.done) == (matched, 0)
    assert graveyard.count_jobs(QUEUE).failed == 4

    wet = graveyard.remove_jobs(QUEUE, which, action=an_action())
    assert (wet.matched, wet.done) == (matched, matched)
    assert graveyard.count_jobs(QUEUE).failed == 4 - matched


def test_completed_jobs_are_chosen_by_when_they_ended(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(Completed())
    ended = engine.get_job(QUEUE, "job-1").job.finished_at_ms

    earlier = JobFilter(state=JobState.COMPLETED, finished_before_ms=ended)
    since = JobFilter(state=JobState.COMPLETED, finished_after_ms=ended)
    assert engine.remove_jobs(QUEUE, earlier, action=an_action(), dry_run=True).matched == 0
    assert engine.remove_jobs(QUEUE, since, action=an_action(), dry_run=True).matched == 1


def test_ids_that_do_not_fit_are_named_with_the_reason(graveyard: QueueEngine) -> None:
    graveyard.enqueue_job(QUEUE, a_job("waiting"))
    which = JobFilter(ids=("a", "b", "c", "waiting", "nobody"), error_contains="boom", limit=1)

    result = graveyard.retry_jobs(QUEUE, which, action=an_action())

    assert result == BulkResult(
        matched=1,
        done=1,
        skipped=(
            ("a", "does not meet the filter"),
            ("c", "over the limit"),
            ("waiting", "is waiting"),
            ("nobody", "job not found"),
        ),
    )


def test_a_bulk_retry_twice_retries_once(graveyard: QueueEngine, worker: Worker) -> None:
    assert graveyard.retry_jobs(QUEUE, JobFilter(), action=an_action()).done == 4
    assert graveyard.retry_jobs(QUEUE, JobFilter(), action=an_action()) == BulkResult(0, 0, ())
    assert len(worker.take()) == 4


@pytest.mark.parametrize("delay_ms", [None, 60_000], ids=["waiting", "delayed"])
def test_jobs_that_have_not_begun_are_cancelled_together_each_with_its_record(
    engine: QueueEngine, worker: Worker, delay_ms: int | None
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}", delay_ms=delay_ms) for number in range(250)])
    which = JobFilter(JobState.DELAYED if delay_ms else JobState.WAITING)

    assert engine.cancel_jobs(QUEUE, which, action=an_action("not needed"), dry_run=True) == BulkResult(250, 0, ())
    assert engine.cancel_jobs(QUEUE, which, action=an_action("not needed")) == BulkResult(250, 250, ())

    assert worker.take() == ()
    assert {job.failed_reason for job in engine.list_jobs(QUEUE, JobState.FAILED, offset=0, limit=250).jobs} == {
        "not needed"
    }
    assert (engine.count_jobs(QUEUE).failed, engine.count_jobs(QUEUE).dead) == (250, 0)
    records = engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000, limit=500)
    assert {(record.action, record.reason) for record in records} == {("cancel", "not needed")}
    assert len({record.event_id for record in records}) == len({record.job_id for record in records}) == 250


def test_running_jobs_are_asked_to_stop_together_and_once(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("asked")])
    leases = worker.take()
    engine.cancel_job(QUEUE, "asked", action=an_action())
    which = JobFilter(JobState.ACTIVE)

    assert engine.cancel_jobs(QUEUE, which, action=an_action()) == BulkResult(2, 2, ())
    again = engine.cancel_jobs(QUEUE, JobFilter(JobState.ACTIVE, ids=("a",)), action=an_action())
    assert again == BulkResult(0, 0, (("a", "its cancel was asked for already"),))
    assert engine.cancel_jobs(QUEUE, which, action=an_action()) == BulkResult(0, 0, ())

    for lease in leases:
        worker.report(lease, Interrupted())
    records = engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000)
    assert [record.action for record in records] == ["cancel"] * 3 + ["cancel_outcome"] * 3
    assert len({record.event_id for record in records}) == 6  # the ledger refuses one id with two meanings


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.COMPLETED])
def test_finished_jobs_cannot_be_cancelled_together(engine: QueueEngine, state: JobState) -> None:
    with pytest.raises(InvalidArgument, match="state"):
        engine.cancel_jobs(QUEUE, JobFilter(state), action=an_action())
    with pytest.raises(QueueReserved):
        engine.cancel_jobs("dead-letter", JobFilter(JobState.WAITING), action=an_action())


def test_jobs_accepted_after_the_question_are_not_meant(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job("before"))
    asked = engine.get_job(QUEUE, "before").job.created_at_ms + 1
    wait_until(lambda: accepted_again(engine, "after") >= asked)

    by_filter = engine.cancel_jobs(QUEUE, JobFilter(JobState.WAITING, accepted_before_ms=asked), action=an_action())
    by_id = engine.remove_jobs(
        QUEUE, JobFilter(JobState.WAITING, ids=("after",), accepted_before_ms=asked), action=an_action()
    )

    assert by_filter == BulkResult(1, 1, ())
    assert by_id.skipped == (("after", "does not meet the filter"),)


def accepted_again(engine: QueueEngine, job_id: str) -> int:
    engine.enqueue_job(QUEUE, a_job(job_id, if_exists=IfExists.REPLACE))
    return engine.get_job(QUEUE, job_id).job.created_at_ms


def test_a_job_that_changes_meanwhile_is_skipped(graveyard: QueueEngine) -> None:
    engine = graveyard
    engine.enqueue_job(QUEUE, a_job("runs"))
    Worker(engine).take()

    result = engine.remove_jobs(QUEUE, JobFilter(state=JobState.ACTIVE), action=an_action())

    assert result == BulkResult(1, 0, (("runs", "is active"),))


def test_a_thousand_jobs_are_changed_in_short_steps(
    engine: QueueEngine, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(1_000)])
    worker = Worker(engine)
    while leases := worker.take(250):
        for lease in leases[:-1]:
            worker.report(lease, a_failure(retry_delay_ms=None))
        worker.report(leases[-1], Completed())
    call, steps = engine._store.call, list[float]()

    def measured(*args: Any, **how: Any) -> Any:
        before = busy_seconds(client)
        reply = call(*args, **how)
        steps.append(busy_seconds(client) - before)
        return reply

    monkeypatch.setattr(engine._store, "call", measured)
    result = engine.retry_jobs(QUEUE, JobFilter(), action=an_action())

    assert (result.matched, result.done) == (996, 996)
    assert len(steps) > 10
    assert 0.001 < max(steps) < 0.05
    assert engine.count_jobs(QUEUE).waiting == 996


def busy_seconds(client: redis.Redis) -> float:
    """CPU time of the thread that executes commands; unlike the slow log it does not count waiting for a core."""
    used: Any = client.info("cpu")
    return float(used["used_cpu_user_main_thread"] + used["used_cpu_sys_main_thread"])


@pytest.mark.parametrize("limit", [0, 1_001])
def test_a_limit_out_of_range_is_refused(engine: QueueEngine, limit: int) -> None:
    with pytest.raises(InvalidArgument, match="limit"):
        engine.retry_jobs(QUEUE, JobFilter(limit=limit), action=an_action())

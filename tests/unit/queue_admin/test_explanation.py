from __future__ import annotations

import pytest

from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_admin.explanation import explain, is_explained
from queue_engine.domain.backoff import Backoff
from queue_engine.domain.job import FailureKind, Job, JobDetail, JobState, QueueCounts

NOON = 1_767_268_800_000  # 1 January 2026, 12:00 UTC
NOON_SAID = "2026-01-01 12:00:00 UTC"
ABLE = pb.WorkerInfo(id="w1", queues=["tickets", "mail"], job_types=["ticket.created", "send"])


def a_job(state: JobState = JobState.WAITING, **fields: object) -> Job:
    usual: dict[str, object] = {
        "job_id": "one",
        "queue": "tickets",
        "name": "ticket.created",
        "data": b"{}",
        "state": state,
        "priority": 0,
        "attempts_made": 0,
        "max_attempts": 3,
        "deliveries": 0,
        "lost_leases": 0,
        "created_at_ms": 5,
        "backoff": Backoff(),
        "timeout_ms": 60_000,
        "owner": "backend",
    }
    return Job(**{**usual, **fields})  # type: ignore[arg-type]


def a_queue(*, paused: bool = False, **fields: object) -> QueueCounts:
    usual: dict[str, object] = {
        "name": "tickets",
        "waiting": 1,
        "active": 0,
        "delayed": 0,
        "completed": 0,
        "failed": 0,
        "dead": 0,
        "paused": paused,
    }
    return QueueCounts(**{**usual, **fields})  # type: ignore[arg-type]


PAUSED = a_queue(paused=True, paused_by="olga@local", paused_at_ms=NOON, paused_reason="the provider is down.")


def said(
    job: Job, *, ahead: int | None = 0, queue: QueueCounts | None = None, workers: tuple[pb.WorkerInfo, ...] = (ABLE,)
) -> str:
    return explain(JobDetail(job, (), (), ahead=ahead), queue or a_queue(), workers)


def test_a_paused_queue_is_named_with_who_paused_it_when_and_why() -> None:
    expected = f"The queue has been paused by olga@local since {NOON_SAID}: the provider is down."

    assert said(a_job(), queue=PAUSED) == expected


def test_a_pause_without_a_reason_is_told_without_one() -> None:
    queue = a_queue(paused=True, paused_by="olga@local", paused_at_ms=NOON)

    assert said(a_job(), queue=queue) == f"The queue has been paused by olga@local since {NOON_SAID}."


@pytest.mark.parametrize("workers", [(), (pb.WorkerInfo(id="w2", queues=["mail"], job_types=["ticket.created"]),)])
def test_a_queue_that_nobody_serves_is_named(workers: tuple[pb.WorkerInfo, ...]) -> None:
    assert said(a_job(), workers=workers) == "No live worker serves the queue tickets."


def test_a_type_that_no_worker_of_the_queue_can_run_is_named() -> None:
    workers = (
        pb.WorkerInfo(id="w2", queues=["tickets"], job_types=["ticket.quoted"]),
        pb.WorkerInfo(id="w3", queues=["mail"], job_types=["ticket.created"]),
    )

    assert said(a_job(), workers=workers) == "No live worker can run jobs of the type ticket.created."


def test_a_job_whose_workers_all_drain_is_told_so() -> None:
    drained = pb.WorkerInfo(id="w2", queues=["tickets"], job_types=["ticket.created"], draining=True)

    assert said(a_job(), workers=(drained,)) == "Every worker that can run it is draining."
    assert said(a_job(), workers=(drained, ABLE)).startswith("It is the next")


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (0, "It is the next to be taken, as soon as a worker has a free thread."),
        (1, "1 job is taken before it."),
        (12, "12 jobs are taken before it."),
        (None, "It is the next to be taken, as soon as a worker has a free thread."),
    ],
)
def test_a_job_in_line_is_told_how_many_are_ahead(ahead: int | None, sentence: str) -> None:
    assert said(a_job(), ahead=ahead) == sentence


def test_a_suspect_is_told_that_it_runs_alone_and_waits_its_turn() -> None:
    suspect = a_job(lost_leases=2)

    assert said(suspect) == "Its worker was lost 2 times in a row: it is tried alone, as the next of such jobs."
    assert said(suspect, ahead=1) == "Its worker was lost 2 times in a row: it is tried alone, after 1 other such job."
    assert (
        said(a_job(lost_leases=1), ahead=3) == "Its worker was lost once: it is tried alone, after 3 other such jobs."
    )


def test_a_scheduled_job_is_told_when_it_is_due() -> None:
    assert said(a_job(JobState.DELAYED, due_at_ms=NOON)) == f"It is due at {NOON_SAID}."


def test_a_due_time_beyond_the_calendar_is_still_a_sentence() -> None:
    assert said(a_job(JobState.DELAYED, due_at_ms=2**48)) == "It is due at 9999-12-31 23:59:59 UTC."


def test_a_job_between_attempts_is_told_which_failed_why_and_when_the_next_is() -> None:
    job = a_job(JobState.DELAYED, due_at_ms=NOON, attempts_made=1, failed_reason="\nno answer from smtp.\nmore")

    assert said(job) == f"Attempt 1 of 3 failed (no answer from smtp); the next one is due at {NOON_SAID}."


def test_a_deferred_job_is_told_which_dependency_is_down() -> None:
    job = a_job(
        JobState.DELAYED,
        due_at_ms=NOON,
        attempts_made=1,
        failed_reason="smtp refused",
        deferred_since_ms=NOON,
        failure_kind=FailureKind.DEPENDENCY,
    )

    assert said(job) == f"A dependency is down (smtp refused); it is tried again at {NOON_SAID}."


def test_a_job_over_a_rate_limit_is_told_so() -> None:
    job = a_job(
        JobState.DELAYED,
        due_at_ms=NOON,
        failed_reason="100 a minute",
        deferred_since_ms=NOON,
        failure_kind=FailureKind.RATE_LIMITED,
    )

    assert said(job) == f"A rate limit is reached (100 a minute); it is tried again at {NOON_SAID}."


def test_a_delayed_job_is_also_told_what_will_keep_it_waiting() -> None:
    job = a_job(JobState.DELAYED, due_at_ms=NOON)

    assert said(job, workers=()) == f"It is due at {NOON_SAID}, but no live worker serves the queue tickets."
    assert said(job, queue=PAUSED).startswith(f"It is due at {NOON_SAID}, but the queue has been paused by olga@local")


def test_a_running_job_whose_cancel_was_asked_for_is_told_so() -> None:
    job = a_job(JobState.ACTIVE, cancel_requested=True, worker="w1")

    assert said(job) == "Its cancel was asked for: its handler on worker w1 is being interrupted."


def test_a_long_error_is_cut_to_its_first_line() -> None:
    job = a_job(JobState.DELAYED, due_at_ms=NOON, attempts_made=1, failed_reason="x" * 500)

    assert f"({'x' * 199}…)" in said(job)


@pytest.mark.parametrize(
    ("job", "explained"),
    [
        (a_job(JobState.WAITING), True),
        (a_job(JobState.DELAYED), True),
        (a_job(JobState.ACTIVE), False),
        (a_job(JobState.ACTIVE, cancel_requested=True), True),
        (a_job(JobState.COMPLETED), False),
        (a_job(JobState.FAILED), False),
    ],
)
def test_only_jobs_that_could_run_and_do_not_are_explained(job: Job, *, explained: bool) -> None:
    assert is_explained(job) == explained

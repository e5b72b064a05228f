from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.queue.v1 import job_pb2
from queue_admin import convert
from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.job import DEAD_LETTER_QUEUE, Job, JobState, QueueCounts
from queue_engine.domain.job_type import EnqueueOptions
from service_kit.errors import ServiceError


def a_job(**fields: object) -> Job:
    usual: dict[str, object] = {
        "job_id": "one",
        "queue": "tickets",
        "name": "ticket.created",
        "data": b"{}",
        "state": JobState.WAITING,
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


def test_absent_options_leave_everything_to_the_job_type() -> None:
    assert convert.to_options(job_pb2.JobOptions()) == EnqueueOptions()


def test_zero_is_not_absent() -> None:
    options = convert.to_options(job_pb2.JobOptions(delay=0, priority=0))

    assert (options.delay_ms, options.priority, options.due_at_ms) == (0, 0, None)


def test_a_backoff_without_type_grows_as_the_job_types_own() -> None:
    own = Backoff(BackoffKind.FIXED, 9, max_delay_ms=50, jitter=0)

    assert convert.to_backoff(job_pb2.Backoff(delay=7), own) == Backoff(BackoffKind.FIXED, 7, max_delay_ms=50, jitter=0)


def test_delay_and_due_time_together_are_refused_even_when_zero() -> None:
    with pytest.raises(ServiceError, match="exclude each other"):
        convert.to_options(job_pb2.JobOptions(delay=0, due_at=0))


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_its_word_on_the_wire(state: JobState) -> None:
    assert convert.STATE_FROM_WIRE[convert.from_job(a_job(state=state), listed_from="tickets").status] is state


def test_only_the_dead_letter_view_names_the_queue_a_job_lives_in() -> None:
    assert not convert.from_job(a_job(), listed_from="tickets").HasField("original_queue")

    shown = convert.from_job(a_job(job_id="tickets:one"), listed_from=DEAD_LETTER_QUEUE)

    assert (shown.id, shown.queue, shown.original_queue) == ("tickets:one", DEAD_LETTER_QUEUE, "tickets")


def test_bytes_that_are_no_json_are_shown_as_text() -> None:
    shown = convert.from_job(a_job(data=b'\xff{"a', malformed=True, progress=b"nonsense"), listed_from="tickets")

    assert shown.data.decode() == '"\ufffd{\\"a"'
    assert shown.progress == b'"nonsense"'


def test_cancelled_jobs_count_as_failed_ones() -> None:
    counts = QueueCounts("q", 0, 0, 0, 0, 0, 0, paused=False, totals={"completed": 5, "failed": 2, "cancelled": 3})

    queue = convert.from_counts(counts, minutes=[], workers=4)

    assert (queue.completed_total, queue.failed_total, queue.workers) == (5, 5, 4)


@given(st.integers(1, 100), st.integers(0, 10_000))
def test_there_are_as_many_pages_as_the_items_need(page_size: int, total: int) -> None:
    pages = convert.pagination(1, page_size, total).total_pages

    assert pages * page_size >= total
    assert (pages - 1) * page_size < total or total == 0

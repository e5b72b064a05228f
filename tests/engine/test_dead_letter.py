from __future__ import annotations

import time

import pytest

from engine.builders import Worker, a_failure, a_job, an_action, state_of
from queue_engine.domain.errors import InvalidArgument, JobNotFound, QueueReserved, WrongState
from queue_engine.domain.job import DEAD_LETTER_QUEUE, JobState
from queue_engine.engine import JobFilter, QueueEngine


def bury(engine: QueueEngine, queue: str, job_id: str) -> None:
    engine.enqueue_job(queue, a_job(job_id))
    Worker(engine, queue=queue).run(a_failure(f"{job_id} broke", retry_delay_ms=None))
    time.sleep(0.002)  # the view orders by the millisecond of death


@pytest.fixture
def graves(engine: QueueEngine) -> QueueEngine:
    """Dead jobs in two queues, a cancelled and a waiting one beside them."""
    for queue, job_id in (("tickets", "t1"), ("notifications", "n1"), ("tickets", "t2"), ("notifications", "n2")):
        bury(engine, queue, job_id)
    engine.enqueue_jobs("tickets", [a_job("cancelled"), a_job("waiting")])
    engine.cancel_job("tickets", "cancelled", action=an_action())
    return engine


def entries(engine: QueueEngine, offset: int = 0, limit: int = 10) -> list[str]:
    page = engine.list_jobs(DEAD_LETTER_QUEUE, JobState.FAILED, offset=offset, limit=limit)
    assert page.total == 4
    return [job.job_id for job in page.jobs]


def test_the_view_is_the_union_of_all_dead_jobs_newest_first(graves: QueueEngine) -> None:
    assert entries(graves) == ["notifications:n2", "tickets:t2", "notifications:n1", "tickets:t1"]
    assert entries(graves, 1, 2) == ["tickets:t2", "notifications:n1"]
    assert entries(graves, 4, 2) == []


def test_an_entry_shows_the_job_itself_with_its_own_queue_and_stack(graves: QueueEngine) -> None:
    job = graves.get_job(DEAD_LETTER_QUEUE, "tickets:t1").job
    listed = graves.list_jobs(DEAD_LETTER_QUEUE, JobState.FAILED, offset=3, limit=1).jobs[0]

    assert (job.queue, job.failed_reason, job.name) == ("tickets", "t1 broke", "ticket.created")
    assert (listed.queue, listed.stack) == ("tickets", "Traceback: boom")


def test_its_counts_are_all_failed_and_it_is_no_queue(graves: QueueEngine) -> None:
    counts = graves.count_jobs(DEAD_LETTER_QUEUE)

    assert (counts.failed, counts.dead, counts.waiting, counts.completed) == (4, 4, 0, 0)
    assert graves.list_jobs(DEAD_LETTER_QUEUE, JobState.WAITING, offset=0, limit=5).total == 0
    assert graves.list_queues() == ["notifications", "tickets"]


def test_retry_and_remove_act_on_the_job_itself(graves: QueueEngine) -> None:
    graves.retry_job(DEAD_LETTER_QUEUE, "tickets:t1", action=an_action())
    graves.remove_job(DEAD_LETTER_QUEUE, "notifications:n1", action=an_action())

    assert state_of(graves, "t1") is JobState.WAITING
    with pytest.raises(JobNotFound):
        graves.get_job("notifications", "n1")
    assert graves.count_jobs(DEAD_LETTER_QUEUE).failed == 2


@pytest.mark.parametrize("entry", ["tickets:t1", "tickets:cancelled", "tickets:waiting", "tickets:nobody", "t1"])
def test_nothing_can_be_retried_twice_or_that_is_not_dead(graves: QueueEngine, entry: str) -> None:
    if entry == "tickets:t1":
        graves.retry_job(DEAD_LETTER_QUEUE, entry, action=an_action())

    with pytest.raises((JobNotFound, WrongState)):
        graves.retry_job(DEAD_LETTER_QUEUE, entry, action=an_action())
    with pytest.raises(JobNotFound):
        graves.get_job(DEAD_LETTER_QUEUE, entry)


def test_bulk_through_the_view_reaches_every_queue_with_records_of_their_own(graves: QueueEngine) -> None:
    bury(graves, "notifications", "t1")

    result = graves.retry_jobs(DEAD_LETTER_QUEUE, JobFilter(), action=an_action("", "bulk"))

    assert (result.matched, result.done) == (5, 5)
    events = [
        record.event_id
        for queue in graves.list_queues()
        for record in graves.claim_audit(queue, shipper="s", lease_ms=1_000)
        if record.action == "retry"
    ]
    assert len(set(events)) == 5


def test_bulk_by_entry_ids_means_only_those(graves: QueueEngine) -> None:
    which = JobFilter(ids=("tickets:t1", "notifications:n2", "tickets:cancelled"))

    result = graves.remove_jobs(DEAD_LETTER_QUEUE, which, action=an_action())

    assert (result.matched, result.done) == (2, 2)
    assert result.skipped == (("tickets:cancelled", "is failed"),)


def test_what_makes_no_sense_for_a_view_is_refused(graves: QueueEngine) -> None:
    with pytest.raises(QueueReserved):
        graves.pause_queue(DEAD_LETTER_QUEUE, action=an_action())
    with pytest.raises(QueueReserved):
        Worker(graves, queue=DEAD_LETTER_QUEUE).take()
    with pytest.raises(InvalidArgument):
        graves.retry_jobs(DEAD_LETTER_QUEUE, JobFilter(state=JobState.WAITING), action=an_action())


def test_a_bulk_call_says_of_every_entry_id_what_became_of_it(graves: QueueEngine) -> None:
    which = JobFilter(ids=("nowhere:1", "no-entry", "tickets:waiting", "tickets:t1", "notifications:n1"), limit=1)
    result = graves.retry_jobs(DEAD_LETTER_QUEUE, which, action=an_action())

    assert result.done == 1
    assert len(result.skipped) == 4
    assert dict(result.skipped)["nowhere:1"] == "job not found"


def test_an_entry_that_was_retried_meanwhile_is_not_removed(graves: QueueEngine) -> None:
    graves.retry_job("tickets", "t1", action=an_action())

    with pytest.raises(JobNotFound):
        graves.remove_job(DEAD_LETTER_QUEUE, "tickets:t1", action=an_action())
    assert state_of(graves, "t1", "tickets") is JobState.WAITING

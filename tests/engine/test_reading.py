from __future__ import annotations

import time
from itertools import pairwise

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, keys_of
from queue_engine.domain.errors import InvalidArgument, JobNotFound
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Completed
from queue_engine.engine import QueueEngine


def ids(engine: QueueEngine, state: JobState, offset: int = 0, limit: int = 10) -> list[str]:
    return [job.job_id for job in engine.list_jobs(QUEUE, state, offset=offset, limit=limit).jobs]


def test_each_count_is_what_its_page_holds(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(7)])
    engine.enqueue_job(QUEUE, a_job("delayed", delay_ms=60_000))
    worker.run(Completed())
    worker.run(a_failure(retry_delay_ms=None))
    worker.take(2)
    clock.expire_lease(worker.take_one().job_id)
    engine.reap_leases(QUEUE)
    engine.cancel_job(QUEUE, "job-6", action=an_action())

    counts = engine.count_jobs(QUEUE)

    for state in JobState:
        page = engine.list_jobs(QUEUE, state, offset=0, limit=100)
        assert getattr(counts, state) == page.total == len(page.jobs)
        assert {job.state for job in page.jobs} == {state}
    assert (counts.waiting, counts.active, counts.delayed, counts.completed, counts.failed) == (2, 2, 1, 1, 2)
    assert counts.dead == 1


def test_delayed_jobs_are_listed_by_due_time(engine: QueueEngine) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("later", delay_ms=90_000), a_job("sooner", delay_ms=60_000)])

    first, second = engine.list_jobs(QUEUE, JobState.DELAYED, offset=0, limit=10).jobs

    assert (first.job_id, second.job_id) == ("sooner", "later")
    assert first.due_at_ms is not None
    assert second.due_at_ms is not None
    assert second.due_at_ms - first.due_at_ms == 30_000
    assert engine.get_job(QUEUE, "sooner").job.due_at_ms == first.due_at_ms


def test_active_jobs_are_listed_in_the_order_they_were_taken(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("c"), a_job("b"), a_job("a")])
    first, *_ = worker.take()
    engine.renew_leases([first], worker=worker.name, lease_ms=600_000)

    assert ids(engine, JobState.ACTIVE) == ["c", "b", "a"]
    assert ids(engine, JobState.ACTIVE, 1, 1) == ["b"]


def test_finished_jobs_are_listed_newest_first(engine: QueueEngine, worker: Worker) -> None:
    for job_id in ("a", "b"):
        engine.enqueue_job(QUEUE, a_job(job_id))
        worker.run(Completed())
        time.sleep(0.002)  # the page orders by the millisecond of the end

    assert ids(engine, JobState.COMPLETED) == ["b", "a"]


def test_a_page_past_the_end_is_empty(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job())

    page = engine.list_jobs(QUEUE, JobState.WAITING, offset=50, limit=10)

    assert (page.jobs, page.total) == ((), 1)


def test_the_oldest_runnable_job_ages_from_when_it_became_runnable(
    engine: QueueEngine, worker: Worker, clock: Clock
) -> None:
    engine.enqueue_job(QUEUE, a_job(delay_ms=60_000))
    assert engine.oldest_runnable_ms(QUEUE) is None
    time.sleep(0.03)
    clock.make_due("job-1")
    engine.promote_jobs(QUEUE)

    age = engine.oldest_runnable_ms(QUEUE)

    assert age is not None
    assert age < 25
    assert engine.count_jobs(QUEUE).oldest_waiting_ms is not None
    worker.take()
    assert engine.oldest_runnable_ms(QUEUE) is None


def test_minutes_have_no_gaps_and_hold_every_event(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")])
    worker.run(Completed())
    worker.run(a_failure(retry_delay_ms=None))

    minutes = engine.list_minutes(QUEUE, minutes=1_440)

    assert len(minutes) == 1_440
    assert {late.at_ms - early.at_ms for early, late in pairwise(minutes)} == {60_000}
    assert sum(minute.added for minute in minutes[-2:]) == 3
    assert sum(minute.completed for minute in minutes[-2:]) == 1
    assert sum(minute.failed for minute in minutes[-2:]) == 1


def test_minutes_are_forgotten_after_a_day(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job())

    assert [86_400 < client.ttl(key) <= 26 * 3_600 for key in keys_of(client, "*:minutes:*")] == [True]


def test_the_events_of_two_minutes_are_kept_apart(engine: QueueEngine, past_minutes: list[tuple[int, int]]) -> None:
    minutes = {minute.at_ms: minute.added for minute in engine.list_minutes(QUEUE, minutes=180)}

    assert [minutes[at] for at, _ in past_minutes] == [added for _, added in past_minutes]


@pytest.fixture
def past_minutes(engine: QueueEngine, client: redis.Redis) -> list[tuple[int, int]]:
    """Events written into the minute hashes 2 and 61 minutes back."""
    engine.enqueue_job(QUEUE, a_job())
    now_ms = engine.list_minutes(QUEUE, minutes=1)[-1].at_ms
    written = []
    for back, added in ((2, 5), (61, 7)):
        at = now_ms - back * 60_000
        minute = at // 60_000
        client.hset(f"jobs:{{{QUEUE}}}:minutes:{minute // 60}", f"{minute % 60}:added", str(added))
        written.append((at, added))
    return written


def test_reading_a_job_that_is_not_there_says_so(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job())

    with pytest.raises(JobNotFound):
        engine.get_job(QUEUE, "nobody")
    with pytest.raises(InvalidArgument):
        engine.get_job(QUEUE, "no body")
    with pytest.raises(InvalidArgument):
        engine.list_minutes(QUEUE, minutes=1_441)

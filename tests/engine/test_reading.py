from __future__ import annotations

import time
from itertools import pairwise

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, keys_of
from queue_engine.domain.errors import InvalidArgument, JobNotFound
from queue_engine.domain.job import JobState, Order
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


ORDERED = [JobState.WAITING, JobState.ACTIVE, JobState.DELAYED, JobState.COMPLETED, JobState.FAILED]


@pytest.mark.parametrize("state", ORDERED)
def test_each_list_can_be_read_from_both_ends(engine: QueueEngine, clock: Clock, state: JobState) -> None:
    names = [f"job-{number}" for number in range(7)]
    put_in_order(engine, clock, state, names)

    for order, expected in ((Order.OLDEST, names), (Order.NEWEST, names[::-1])):
        whole = engine.list_jobs(QUEUE, state, offset=0, limit=10, order=order)
        pages = [engine.list_jobs(QUEUE, state, offset=at, limit=3, order=order) for at in (0, 3, 6, 9)]
        assert [job.job_id for job in whole.jobs] == expected
        assert [job.job_id for page in pages for job in page.jobs] == expected
        assert {page.total for page in pages} == {7}


def put_in_order(engine: QueueEngine, clock: Clock, state: JobState, names: list[str]) -> None:
    """Jobs that reached the state one after the other; of the waiting ones the first two are suspects."""
    worker = Worker(engine)
    for number, name in enumerate(names):
        delay = 60_000 + number if state is JobState.DELAYED else None
        engine.enqueue_job(QUEUE, a_job(name, delay_ms=delay, attempts=1))
        if state in (JobState.COMPLETED, JobState.FAILED):
            worker.run(Completed() if state is JobState.COMPLETED else a_failure(retry_delay_ms=None))
            time.sleep(0.002)  # the page orders by the millisecond of the end
    if state is JobState.ACTIVE:
        worker.take()
    if state is JobState.WAITING:
        for lease in worker.take(2):
            clock.expire_lease(lease.job_id)
        engine.reap_leases(QUEUE)


def test_dead_letters_can_be_read_oldest_first(engine: QueueEngine, worker: Worker) -> None:
    for name in ("a", "b", "c"):
        engine.enqueue_job(QUEUE, a_job(name))
        worker.run(a_failure(retry_delay_ms=None))
        time.sleep(0.002)  # the view orders by the millisecond of the end

    view = engine.list_jobs("dead-letter", JobState.FAILED, offset=1, limit=2, order=Order.OLDEST)

    assert [job.job_id for job in view.jobs] == [f"{QUEUE}:b", f"{QUEUE}:c"]


def test_a_deep_page_costs_as_much_as_the_first(engine: QueueEngine) -> None:
    for first in range(0, 10_000, 1_000):
        engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(first, first + 1_000)])

    def fastest(offset: int, order: Order) -> float:
        def seconds() -> float:
            began = time.perf_counter()
            assert len(engine.list_jobs(QUEUE, JobState.WAITING, offset=offset, limit=10, order=order).jobs) == 10
            return time.perf_counter() - began

        return min(seconds() for _ in range(20))

    shallow = min(fastest(0, order) for order in Order)
    for order in Order:
        assert fastest(9_990, order) < 10 * shallow  # walking there would take some hundred times as long


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

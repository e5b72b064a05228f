from __future__ import annotations

import redis

from engine.builders import QUEUE, Clock, Worker, a_job, an_action, ids_of
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Released
from queue_engine.engine import QueueEngine


def test_lower_priority_numbers_go_first_and_equal_ones_in_order_of_arrival(
    engine: QueueEngine, worker: Worker
) -> None:
    engine.enqueue_jobs(
        QUEUE,
        [
            a_job("last", priority=1_000_000),
            a_job("b", priority=1),
            a_job("c", priority=1),
            a_job("first"),
            a_job("2nd"),
        ],
    )

    assert ids_of(worker.take()) == ["first", "2nd", "b", "c", "last"]


def test_the_waiting_page_shows_the_order_of_taking(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("lost"), a_job("b"), a_job("a", priority=5), a_job("c")])
    clock.expire_lease(worker.take_one().job_id)
    engine.reap_leases(QUEUE)

    page = engine.list_jobs(QUEUE, JobState.WAITING, offset=0, limit=10)

    assert [job.job_id for job in page.jobs] == ["lost", "b", "c", "a"]
    assert [
        job.job_id
        for offset in range(4)
        for job in engine.list_jobs(QUEUE, JobState.WAITING, offset=offset, limit=1).jobs
    ] == ["lost", "b", "c", "a"]


def test_jobs_given_back_return_to_the_front_by_age(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")])
    first, second = worker.take(2)

    worker.report(second, Released())
    worker.report(first, Released())

    assert ids_of(worker.take()) == ["a", "b", "c"]


def test_lost_jobs_are_tried_by_age_and_before_all_others(engine: QueueEngine, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("z"), a_job("a"), a_job("c")])
    for lease in Worker(engine, "dead").take(2):
        clock.expire_lease(lease.job_id)

    takers = [Worker(engine, f"w{number}").take(3) for number in range(3)]

    assert [ids_of(leases) for leases in takers] == [["z"], ["a"], ["c"]]


def test_a_due_job_joins_the_end_of_its_class(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("due", delay_ms=60_000), a_job("a"), a_job("b", priority=3)])
    clock.make_due("due")

    assert engine.promote_jobs(QUEUE) == 1
    assert ids_of(worker.take()) == ["a", "due", "b"]


def test_a_retried_job_joins_the_end_of_its_class(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("x"), a_job("y")])
    engine.cancel_job(QUEUE, "x", action=an_action())

    engine.retry_job(QUEUE, "x", action=an_action())

    assert ids_of(worker.take()) == ["y", "x"]


def test_order_survives_the_sequence_running_out_of_its_bits(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_job(QUEUE, a_job("before"))
    client.hset(f"jobs:{{{QUEUE}}}:meta", "sequence", str(2**33 - 2))

    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c", priority=1)])
    assert ids_of(worker.take()) == ["before", "a", "b", "c"]
    engine.enqueue_jobs(QUEUE, [a_job("d"), a_job("e")])

    assert ids_of(worker.take()) == ["d", "e"]

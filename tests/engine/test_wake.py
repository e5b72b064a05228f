from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, ids_of
from queue_engine.domain.lease import Released
from queue_engine.engine import QueueEngine


def is_woken(engine: QueueEngine) -> bool:
    return engine.wait_for_work(QUEUE, timeout_seconds=0.05)


def drain_marks(engine: QueueEngine) -> None:
    while is_woken(engine):
        pass


def test_an_enqueue_wakes_an_idle_worker_at_once(engine: QueueEngine) -> None:
    waiting = threading.Event()

    def wait() -> float:
        waiting.set()
        assert engine.wait_for_work(QUEUE, timeout_seconds=5)
        return time.monotonic()

    engine.register_worker("warm", b"{}", ttl_ms=1_000)
    with ThreadPoolExecutor(1) as pool:
        woken = pool.submit(wait)
        waiting.wait()
        time.sleep(0.05)  # until the marker is being waited for
        enqueued = time.monotonic()
        engine.enqueue_job(QUEUE, a_job())

        assert woken.result() - enqueued < 0.2


def test_waiting_in_vain_ends_after_its_time(engine: QueueEngine) -> None:
    started = time.monotonic()

    assert not engine.wait_for_work(QUEUE, timeout_seconds=0.1)
    assert 0.09 < time.monotonic() - started < 1


def test_one_enqueue_of_many_wakes_one_worker_and_each_take_the_next(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")])
    assert is_woken(engine)
    assert not is_woken(engine)

    worker.take(1)
    assert is_woken(engine)
    worker.take(2)

    assert not is_woken(engine)


def test_a_paused_queue_wakes_nobody_until_it_is_resumed(engine: QueueEngine, worker: Worker) -> None:
    engine.register_worker("warm", b"{}", ttl_ms=1_000)
    engine.enqueue_job(QUEUE, a_job("first"))
    worker.take()
    drain_marks(engine)
    engine.pause_queue(QUEUE, action=an_action())
    engine.enqueue_job(QUEUE, a_job())
    assert not is_woken(engine)

    engine.resume_queue(QUEUE, action=an_action())

    assert is_woken(engine)


def test_a_job_that_is_now_the_first_to_come_due_wakes_a_worker(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job("later", delay_ms=90_000))
    drain_marks(engine)

    engine.enqueue_job(QUEUE, a_job("latest", delay_ms=120_000))
    assert not is_woken(engine)
    engine.enqueue_job(QUEUE, a_job("sooner", delay_ms=60_000))

    assert is_woken(engine)


def test_a_retry_that_is_the_first_to_come_due_wakes_a_worker(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    drain_marks(engine)

    worker.report(lease, a_failure(retry_delay_ms=60_000))

    assert is_woken(engine)


def test_promoted_reaped_released_and_retried_jobs_wake_a_worker(
    engine: QueueEngine, worker: Worker, clock: Clock
) -> None:
    engine.enqueue_job(QUEUE, a_job(delay_ms=60_000))
    drain_marks(engine)
    clock.make_due("job-1")
    engine.promote_jobs(QUEUE)
    assert is_woken(engine)

    lease = worker.take_one()
    worker.report(lease, Released())
    assert is_woken(engine)

    worker.take_one()
    clock.expire_lease("job-1")
    engine.reap_leases(QUEUE)
    assert is_woken(engine)

    engine.cancel_job(QUEUE, "job-1", action=an_action())
    engine.retry_job(QUEUE, "job-1", action=an_action())
    assert is_woken(engine)
    assert ids_of(worker.take()) == ["job-1"]


def test_the_next_suspect_wakes_a_worker_when_the_last_one_has_ended(engine: QueueEngine, clock: Clock) -> None:
    worker = Worker(engine)
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b")])
    for lease in Worker(engine, "victim").take():
        clock.expire_lease(lease.job_id)
    engine.reap_leases(QUEUE)
    suspect = worker.take_one()
    drain_marks(engine)
    assert worker.take() == ()

    worker.complete(suspect)

    assert is_woken(engine)
    assert ids_of(worker.take()) == ["b"]


def test_a_worker_that_runs_a_suspect_does_not_wake_itself_for_the_next(engine: QueueEngine, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b")])
    for lease in Worker(engine, "victim").take():
        clock.expire_lease(lease.job_id)
    engine.reap_leases(QUEUE)
    worker = Worker(engine)
    worker.take_one()
    assert is_woken(engine)

    assert worker.take() == ()

    assert not is_woken(engine)

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread

from engine.builders import QUEUE, Worker, a_failure, a_job, an_action
from engine.damages import prove
from queue_engine.domain.errors import JobNotFound, WrongState
from queue_engine.domain.job import IfExists, Retention
from queue_engine.domain.lease import Completed
from queue_engine.engine import JobFilter, QueueEngine


def test_a_queue_at_work_gives_no_false_alarm(engine: QueueEngine) -> None:
    engine = QueueEngine(engine._store, retention=Retention(completed_count=50))
    stop = Event()
    threads = [Thread(target=work, args=(engine, f"worker-{n}", stop)) for n in range(3)]
    threads.append(Thread(target=hand_over, args=(engine, stop)))
    engine.enqueue_job(QUEUE, a_job("first"))
    for thread in threads:
        thread.start()
    try:
        found = [finding for n in range(20) for finding in prove(engine, an_action() if n % 2 else None)[0]]
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert found == []
    assert engine.count_jobs(QUEUE).totals["completed"] > 100


def hand_over(engine: QueueEngine, stop: Event) -> None:
    """Bring in jobs, cancel, retry, replace and remove some: what is there stays few, so that a proof is short."""
    number = 0
    while not stop.is_set():
        number += 1
        engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}-{n}", delay_ms=n % 3) for n in range(20)])
        for n in (4, 5):
            with suppress(WrongState, JobNotFound):  # a worker was faster
                engine.cancel_job(QUEUE, f"job-{number}-{n}", action=an_action())
                engine.retry_job(QUEUE, f"job-{number}-{n}", action=an_action())
        engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}-6", if_exists=IfExists.REPLACE)])
        engine.prune_jobs(QUEUE)
        engine.remove_jobs(QUEUE, JobFilter(finished_before_ms=2**48), action=an_action())


def work(engine: QueueEngine, name: str, stop: Event) -> None:
    worker = Worker(engine, name)
    while not stop.is_set():
        leases = worker.take(7)
        outcomes = [Completed() if n % 3 else a_failure(retry_delay_ms=None) for n in range(len(leases))]
        worker.settle([(lease, outcome) for lease, outcome in zip(leases, outcomes, strict=True)])

"""The way from Dramatiq's consumer threads to its worker threads."""

from __future__ import annotations

import time
from collections.abc import Callable

import dramatiq
import pytest
from dramatiq.worker import ConsumerThread, WorkerThread

from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from worker.dramatiq_broker.broker import JobBroker

MakeBroker = Callable[..., JobBroker]


@pytest.mark.parametrize(
    ("thread", "name"),
    [
        (ConsumerThread, "handle_message"),
        (ConsumerThread, "handle_delayed_messages"),
        (WorkerThread, "process_message"),
    ],
)
def test_dramatiq_has_the_methods_that_are_replaced(thread: type, name: str) -> None:
    """If it names them anew one day, everything works and is slow: only this notices."""
    assert callable(getattr(thread, name))


def test_jobs_begin_in_the_order_they_wait_in(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(threads=1)
    begun: list[int] = []

    @dramatiq.actor(broker=broker)
    def note(number: int) -> None:
        begun.append(number)

    for number in range(200):
        note.send(number)
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    try:
        wait_until(lambda: len(begun) == 200)
    finally:
        worker.stop()

    assert begun == list(range(200))


def test_joining_a_worker_waits_for_what_runs_and_what_waits_for_a_thread(
    make_broker: MakeBroker, engine: QueueEngine
) -> None:
    broker = make_broker(threads=1)
    ended: list[int] = []

    @dramatiq.actor(broker=broker)
    def slow(number: int) -> None:
        time.sleep(0.1)
        ended.append(number)

    for number in range(3):
        slow.send(number)
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    try:
        wait_until(lambda: broker.roster.running)
        held = len(ended) + worker.work_queue.unfinished_tasks
        worker.join()
        assert len(ended) >= held > 0
    finally:
        worker.stop()


def test_what_no_thread_took_goes_back_when_the_worker_stops(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(threads=1)

    @dramatiq.actor(broker=broker)
    def short() -> None:
        time.sleep(0.001)

    for _ in range(300):
        short.send()
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    wait_until(lambda: broker.roster.waiting)
    worker.stop()
    counts = engine.count_jobs("default")

    assert counts.active == 0
    assert counts.waiting + counts.completed == 300

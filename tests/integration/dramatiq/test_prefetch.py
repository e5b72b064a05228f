"""How many jobs a process holds: enough to be fast, never so many that others wait for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import dramatiq
import pytest

from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import running
from worker.dramatiq_broker.broker import JobBroker

MakeBroker = Callable[..., JobBroker]
QUEUE = "default"


def test_slow_jobs_are_not_hoarded(make_broker: MakeBroker, engine: QueueEngine) -> None:
    def slow() -> None:
        time.sleep(0.25)

    brokers = [make_broker(threads=4), make_broker(threads=4)]
    for broker in brokers:
        dramatiq.actor(broker=broker, actor_name="slow")(slow)
    for _ in range(40):
        brokers[0].get_actor("slow").send()
    began = time.monotonic()
    with running(brokers[0]), running(brokers[1]):
        brokers[0].join(QUEUE, timeout=10_000, interval=10)
        took = time.monotonic() - began

    assert took < 40 * 0.25 / 8 * 1.2


def test_two_queues_share_a_process(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(threads=2)
    done: list[str] = []

    @dramatiq.actor(broker=broker, queue_name="busy")
    def busy() -> None:
        time.sleep(0.01)
        done.append("busy")

    @dramatiq.actor(broker=broker, queue_name="calm")
    def calm() -> None:
        done.append("calm")

    for _ in range(200):
        busy.send()
    with running(broker, threads=2):
        wait_until(lambda: len(done) > 10)
        calm.send()
        wait_until(lambda: "calm" in done)
        position = done.index("calm")
        broker.join("busy", timeout=10_000)

    assert position < 150


@pytest.mark.parametrize("threads", [1, 4])
def test_a_queue_of_slow_jobs_does_not_starve_another(make_broker: MakeBroker, threads: int) -> None:
    broker = make_broker(threads=threads)
    slow_seconds, waited = 0.3, SimpleQueue[float]()

    @dramatiq.actor(broker=broker, queue_name="slow")
    def slow() -> None:
        time.sleep(slow_seconds)

    @dramatiq.actor(broker=broker, queue_name="quick")
    def quick(sent_at: float) -> None:
        waited.put(time.monotonic() - sent_at)

    for _ in range(20 * threads):
        slow.send()
    with running(broker, threads=threads):
        for _ in range(5):
            wait_until(lambda: len(broker.roster.running) == threads)
            quick.send(time.monotonic())
            assert waited.get(timeout=20) < 4 * slow_seconds  # one of them, or two when it was the other queue's turn


def test_a_job_behind_busy_threads_goes_to_another_worker(make_broker: MakeBroker, engine: QueueEngine) -> None:
    hoarder, helper = make_broker(threads=1), make_broker(threads=1)
    go = threading.Event()

    def work(seconds: float) -> None:
        if seconds:
            go.wait(seconds)

    for broker in (hoarder, helper):
        dramatiq.actor(broker=broker, actor_name="work")(work)
    actor = hoarder.get_actor("work")
    with running(hoarder, threads=1):
        for _ in range(100):  # quick so far: the worker holds many
            actor.send(0)
        hoarder.join(QUEUE, timeout=5_000)
        actor.send(30)
        for _ in range(5):
            actor.send(0)
        wait_until(lambda: engine.count_jobs(QUEUE).active >= 1)
        with running(helper, threads=1):
            wait_until(lambda: engine.count_jobs(QUEUE).completed == 105, within=6)
        go.set()
        hoarder.join(QUEUE, timeout=5_000)

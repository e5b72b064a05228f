"""Leases are kept while a handler runs, and let go when nothing can stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dramatiq
import pytest
from dramatiq.middleware import SkipMessage

from queue_engine.domain.job import JobState
from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import running, state_of
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.interrupter import LeaseLost
from worker.health import WorkerHealth

MakeBroker = Callable[..., JobBroker]
QUEUE = "default"


def test_a_job_longer_than_its_lease_runs_once(make_broker: MakeBroker, engine: QueueEngine) -> None:
    seen: list[int] = []
    brokers = [make_broker(lease_ms=1_000), make_broker(lease_ms=1_000)]

    def long() -> None:
        seen.append(1)
        time.sleep(2.5)

    for broker in brokers:
        dramatiq.actor(broker=broker, actor_name="long")(long)
    message = brokers[0].get_actor("long").send()
    with running(brokers[0]), running(brokers[1]):
        brokers[0].join(QUEUE, timeout=8_000)

    assert seen == [1]
    assert state_of(engine, QUEUE, message.message_id) is JobState.COMPLETED


def test_a_handler_that_cannot_be_stopped_loses_its_lease_and_the_process_its_health(
    make_broker: MakeBroker, engine: QueueEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.dramatiq_broker.heartbeat.GRACE_SECONDS", 0.3)
    broker = make_broker(lease_ms=1_000)
    go, begun = threading.Event(), threading.Event()

    @dramatiq.actor(broker=broker, time_limit=200)
    def deaf() -> None:
        begun.set()
        go.wait(20)  # in C: no exception reaches it

    message = deaf.send()
    with running(broker) as worker:
        health = WorkerHealth(broker, threads=4, living_threads=lambda: sum(t.is_alive() for t in worker.workers))
        assert begun.wait(5)
        assert health.live() is None
        broker.drain()  # nobody takes it again here
        wait_until(lambda: engine.reap_leases(QUEUE), within=4)
        assert health.live() == f"1 jobs cannot be interrupted, among them deaf({message.message_id})"
        go.set()

    assert engine.count_jobs(QUEUE).totals["lost"] == 1
    assert state_of(engine, QUEUE, message.message_id) is JobState.WAITING


def test_a_lost_lease_interrupts_the_handler(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(lease_ms=1_000, worker_id="w1")
    ended: list[str] = []

    @dramatiq.actor(broker=broker)
    def endless() -> None:
        if ended:
            return
        try:
            while True:
                time.sleep(0.01)
        except LeaseLost:
            ended.append("lost")
            raise

    endless.send()
    with running(broker):
        wait_until(lambda: broker.roster.running)
        broker.drain()
        engine.reclaim_leases(QUEUE, worker="w1", known_tokens=[])  # as if it had expired
        wait_until(lambda: ended)
        broker.resume()
        broker.join(QUEUE, timeout=5_000)

    assert engine.count_jobs(QUEUE).totals["failed"] == 0


def test_a_job_whose_lease_ended_before_it_began_does_not_begin(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(lease_ms=1_000)
    begun: list[int] = []

    @dramatiq.actor(broker=broker)
    def late() -> None:
        begun.append(1)

    message = late.send()
    consumer = broker.consume(QUEUE, timeout=100)
    job = next(consumer)
    assert job is not None
    time.sleep(1.1)  # nothing looks after the lease, as while the process is stopped

    with pytest.raises(SkipMessage, match="lost before the job began"):
        broker.emit_before("process_message", job)
    broker.emit_after("skip_message", job)
    broker.drain()
    consumer.ack(job)
    consumer.close()

    assert begun == []
    assert state_of(engine, QUEUE, message.message_id) is JobState.WAITING


def test_a_dead_worker_thread_is_no_health(broker: JobBroker) -> None:
    broker.heartbeat.tick()
    health = WorkerHealth(broker, threads=4, living_threads=lambda: 3)

    assert health.live() == "only 3 of 4 worker threads live"

"""How jobs come to their threads and how their outcomes reach the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.middleware import Middleware

from queue_engine.domain.audit import Action
from queue_engine.domain.job import FailureKind, JobState
from queue_engine.domain.lease import Settled
from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import enqueue, running, state_of
from worker.dramatiq_broker.broker import JobBroker
from worker.failures import Defer, Permanent

MakeBroker = Callable[..., JobBroker]
QUEUE = "default"


def test_a_job_enqueued_by_others_reaches_the_actor_as_its_payload(broker: JobBroker, engine: QueueEngine) -> None:
    seen: list[Any] = []

    @dramatiq.actor(broker=broker, actor_name="ticket.created")
    def created(payload: dict[str, Any]) -> None:
        seen.append(payload)

    enqueue(engine, QUEUE, "ticket.created", {"ticketId": "t1"})
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert seen == [{"ticketId": "t1"}]


def test_an_idle_worker_starts_a_job_at_once(broker: JobBroker) -> None:
    started: list[float] = []

    @dramatiq.actor(broker=broker)
    def start() -> None:
        started.append(time.monotonic())

    with running(broker):
        start.send()
        wait_until(lambda: started)
        delays = []
        for n in range(1, 11):
            time.sleep(0.1)  # idle again
            sent_at = time.monotonic()
            start.send()
            wait_until(lambda n=n: len(started) > n, every=0.001)  # type: ignore[misc]
            delays.append(started[-1] - sent_at)

    assert sorted(delays)[5] < 0.05


def test_an_immediate_outcome_is_stored_before_its_thread_goes_on(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(threads=1)
    states: list[JobState] = []

    @dramatiq.actor(broker=broker)
    def send(before: str) -> None:
        if before:
            states.append(state_of(engine, QUEUE, before))

    broker.settle_immediately("send")
    before = ""
    for _ in range(40):  # quick ones: many are in hand when one ends
        before = send.send(before).message_id
    with running(broker, threads=1):
        broker.join(QUEUE, timeout=5_000)

    assert states == [JobState.COMPLETED] * 39


def test_outcomes_are_settled_in_batches(broker: JobBroker, valkey_url: str) -> None:
    @dramatiq.actor(broker=broker)
    def nothing() -> None:
        """Return."""

    for _ in range(2_000):
        nothing.send()
    with redis.Redis.from_url(valkey_url) as client:
        client.config_resetstat()
        with running(broker):
            broker.join(QUEUE, timeout=20_000, interval=200)
        calls = client.info("commandstats")["cmdstat_fcall"]["calls"]

    assert calls < 2_000 * 0.1


def test_data_that_is_no_json_is_quarantined_with_its_bytes(
    broker: JobBroker, engine: QueueEngine, valkey_url: str
) -> None:
    seen: list[Any] = []

    @dramatiq.actor(broker=broker)
    def read(payload: Any) -> None:
        seen.append(payload)

    bad = enqueue(engine, QUEUE, "read", {"n": 1})
    good = enqueue(engine, QUEUE, "read", {"n": 2})
    spoil(valkey_url, bad, b"{broken \xff")
    with running(broker) as worker:
        broker.join(QUEUE, timeout=5_000)
        consumers = [thread.consumer for thread in worker.consumers.values()]
        wait_until(lambda: engine.count_jobs(QUEUE).dead == 1)
        assert [thread.consumer for thread in worker.consumers.values()] == consumers

    job = engine.get_job(QUEUE, bad).job
    assert seen == [{"n": 2}]
    assert state_of(engine, QUEUE, good) is JobState.COMPLETED
    assert (job.dead, job.failure_kind, job.data) == (True, FailureKind.PAYLOAD_INVALID, b"{broken \xff")


def test_a_job_nobody_knows_waits_uncounted_and_dies_in_the_end(
    broker: JobBroker, engine: QueueEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.dramatiq_broker.consumer.UNKNOWN_DELAY_MS", 50)
    broker.declare_queue(QUEUE)
    job_id = enqueue(engine, QUEUE, "from-the-future", {})

    with running(broker):
        wait_until(lambda: engine.count_jobs(QUEUE).totals["deferred"] > 1)
        job = engine.get_job(QUEUE, job_id).job
        assert (job.attempts_made, job.dead) == (0, False)
        monkeypatch.setattr("worker.dramatiq_broker.consumer.UNKNOWN_MAX_AGE_MS", 100)
        wait_until(lambda: engine.get_job(QUEUE, job_id).job.dead)

    assert engine.get_job(QUEUE, job_id).job.failure_kind is FailureKind.ACTOR_UNKNOWN


def test_a_deferred_job_burns_no_attempt(broker: JobBroker, engine: QueueEngine) -> None:
    calls: list[int] = []

    @dramatiq.actor(broker=broker, max_retries=0)
    def dependent() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise Defer("the provider is down", seconds=0.05)

    message = dependent.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert len(calls) == 3
    assert state_of(engine, QUEUE, message.message_id) is JobState.COMPLETED


def test_a_permanent_failure_is_dead_at_once(broker: JobBroker, engine: QueueEngine) -> None:
    calls: list[int] = []

    @dramatiq.actor(broker=broker, min_backoff=10)
    def hopeless() -> None:
        calls.append(1)
        raise Permanent("the recipient was refused")

    message = hopeless.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    job = engine.get_job(QUEUE, message.message_id).job
    assert (len(calls), job.dead, job.failed_reason) == (1, True, "the recipient was refused")


def test_a_cancelled_handler_is_stopped_and_never_tried_again(broker: JobBroker, engine: QueueEngine) -> None:
    seen: list[int] = []

    @dramatiq.actor(broker=broker, min_backoff=10)
    def endless() -> None:
        seen.append(1)
        while True:
            time.sleep(0.01)

    message = endless.send()
    with running(broker):
        wait_until(lambda: seen)
        assert engine.cancel_job(QUEUE, message.message_id, action=an_action()) == "requested"
        broker.join(QUEUE, timeout=5_000)

    job = engine.get_job(QUEUE, message.message_id).job
    assert (seen, job.state, job.cancelled, job.dead) == ([1], JobState.FAILED, True, False)


def test_draining_gives_back_what_has_not_begun_and_takes_nothing(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(threads=2)
    go, begun = threading.Event(), threading.Semaphore(0)

    @dramatiq.actor(broker=broker)
    def wait() -> None:
        begun.release()
        go.wait(10)

    for _ in range(6):
        wait.send()
    with running(broker, threads=2):
        assert begun.acquire(timeout=5)
        assert begun.acquire(timeout=5)
        assert broker.drain()
        assert not broker.drain()
        wait_until(lambda: engine.count_jobs(QUEUE).waiting == 4)
        go.set()
        wait_until(lambda: engine.count_jobs(QUEUE).completed == 2)
        assert engine.count_jobs(QUEUE).waiting == 4
        assert broker.resume()
        broker.join(QUEUE, timeout=5_000)

    assert engine.count_jobs(QUEUE).completed == 6


def test_jobs_that_arrive_while_a_drain_begins_go_back_unrun(
    broker: JobBroker, engine: QueueEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    settle = engine.settle_jobs

    def drained_meanwhile(*args: Any, **options: Any) -> Settled:
        settled = settle(*args, **options)
        if settled.leases:
            broker.drain()
        return settled

    @dramatiq.actor(broker=broker)
    def run() -> None:
        seen.append(1)

    for _ in range(3):
        run.send()
    monkeypatch.setattr(engine, "settle_jobs", drained_meanwhile)
    with running(broker):
        wait_until(lambda: engine.count_jobs(QUEUE).totals["released"] == 3)
        assert engine.count_jobs(QUEUE).waiting == 3

    assert not seen


def test_stopping_leaves_nothing_active_and_burns_nothing(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(threads=2)

    @dramatiq.actor(broker=broker)
    def brief() -> None:
        time.sleep(0.002)

    for _ in range(300):
        brief.send()
    with running(broker, threads=2):
        wait_until(lambda: engine.count_jobs(QUEUE).completed > 20)

    counts = engine.count_jobs(QUEUE)
    assert counts.active == 0
    assert counts.waiting + counts.completed == 300
    assert counts.totals["lost"] == 0


def test_a_middleware_that_breaks_before_a_job_does_not_lose_it(make_broker: MakeBroker, engine: QueueEngine) -> None:
    class Broken(Middleware):
        def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:  # noqa: ARG002
            raise RuntimeError("broken middleware")

    broker = make_broker(middleware=[Broken()])
    seen: list[int] = []

    @dramatiq.actor(broker=broker)
    def run() -> None:
        seen.append(1)

    message = run.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert (seen, state_of(engine, QUEUE, message.message_id)) == ([1], JobState.COMPLETED)


def spoil(valkey_url: str, job_id: str, data: bytes) -> None:
    """Overwrite a job's data in the store, as nobody should."""
    with redis.Redis.from_url(valkey_url) as client:
        key = next(key for key in client.scan_iter(f"jobs:*{job_id}") if client.type(key) == b"hash")
        field = next(name for name, value in client.hgetall(key).items() if value.startswith(b'{"n"'))
        client.hset(key, field, data)


def an_action() -> Action:
    return Action(event_id="e1", actor="ops")

"""Dramatiq's own features over the job broker, each as its documentation promises it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import dramatiq
import pytest
from dramatiq.middleware import CurrentMessage, Middleware, Shutdown, TimeLimit
from dramatiq.middleware.time_limit import TimeLimitExceeded
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import StubBackend

from queue_engine.domain.job import FailureKind, JobState
from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import running, state_of
from worker.dramatiq_broker.broker import JobBroker

MakeBroker = Callable[..., JobBroker]
QUEUE = "default"


def test_a_message_runs_with_its_arguments(broker: JobBroker, engine: QueueEngine) -> None:
    seen: list[Any] = []

    @dramatiq.actor(broker=broker)
    def add(x: int, *, y: int) -> None:
        seen.append(x + y)

    message = add.send(1, y=2)
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert seen == [3]
    assert state_of(engine, QUEUE, message.message_id) is JobState.COMPLETED


def test_a_delayed_message_waits_in_the_store(broker: JobBroker, engine: QueueEngine) -> None:
    ran_at: list[float] = []

    @dramatiq.actor(broker=broker)
    def late() -> None:
        ran_at.append(time.monotonic())

    sent_at = time.monotonic()
    message = late.send_with_options(delay=300)
    assert state_of(engine, QUEUE, message.message_id) is JobState.DELAYED
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert 0.29 <= ran_at[0] - sent_at < 1.0


def test_a_time_limit_stops_an_actor(broker: JobBroker, engine: QueueEngine) -> None:
    seen: list[str] = []

    @dramatiq.actor(broker=broker, time_limit=200, max_retries=0)
    def endless() -> None:
        try:
            while True:
                time.sleep(0.01)
        except TimeLimitExceeded:
            seen.append("interrupted")
            raise

    message = endless.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    job = engine.get_job(QUEUE, message.message_id).job
    assert seen == ["interrupted"]
    assert (job.failure_kind, job.dead) == (FailureKind.TIMEOUT, True)


def test_dramatiqs_own_time_limit_works_beside_ours(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(middleware=[TimeLimit(time_limit=150, interval=50)])

    @dramatiq.actor(broker=broker, max_retries=0)
    def endless() -> None:
        while True:
            time.sleep(0.01)

    message = endless.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert engine.get_job(QUEUE, message.message_id).job.failure_kind is FailureKind.TIMEOUT


def test_a_message_over_its_age_is_dropped_as_dead(broker: JobBroker, engine: QueueEngine) -> None:
    seen: list[int] = []

    @dramatiq.actor(broker=broker, max_age=50)
    def stale() -> None:
        seen.append(1)

    message = stale.send()
    time.sleep(0.1)  # the age itself is the point
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    job = engine.get_job(QUEUE, message.message_id).job
    assert not seen
    assert (job.dead, job.failed_reason) == (True, "Message age limit exceeded")


def test_shutdown_notifies_who_asked_for_it_and_burns_nothing(broker: JobBroker, engine: QueueEngine) -> None:
    seen: list[str] = []

    @dramatiq.actor(broker=broker, notify_shutdown=True)
    def long() -> None:
        seen.append("begun")
        try:
            while True:
                time.sleep(0.01)
        except Shutdown:
            seen.append("told")
            raise

    message = long.send()
    with running(broker):
        wait_until(lambda: seen)

    job = engine.get_job(QUEUE, message.message_id).job
    assert seen == ["begun", "told"]
    assert (job.state, job.attempts_made) == (JobState.WAITING, 0)


def test_current_message_is_the_running_one(broker: JobBroker) -> None:
    seen: list[Any] = []

    @dramatiq.actor(broker=broker)
    def look() -> None:
        current = CurrentMessage.get_current_message()
        assert current is not None
        seen.append(current.message_id)

    message = look.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert seen == [message.message_id]


def test_a_full_rate_limiter_defers_without_burning_an_attempt(
    broker: JobBroker, engine: QueueEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.dramatiq_broker.attempts.LIMITER_SECONDS", 0.1)
    limiter = ConcurrentRateLimiter(StubBackend(), "one-at-a-time", limit=1)
    done: list[int] = []

    @dramatiq.actor(broker=broker, max_retries=0)
    def careful(n: int) -> None:
        with limiter.acquire():
            time.sleep(0.15)
            done.append(n)

    for n in range(3):
        careful.send(n)
    with running(broker):
        broker.join(QUEUE, timeout=10_000)

    totals = engine.count_jobs(QUEUE).totals
    assert sorted(done) == [0, 1, 2]
    assert totals["deferred"] >= 1
    assert totals["failed"] == 0


def test_actor_priority_orders_the_queue(make_broker: MakeBroker) -> None:
    broker = make_broker(threads=1)
    seen: list[str] = []

    @dramatiq.actor(broker=broker, priority=10)
    def later() -> None:
        seen.append("later")

    @dramatiq.actor(broker=broker, priority=0)
    def sooner() -> None:
        seen.append("sooner")

    later.send()
    sooner.send()
    with running(broker, threads=1):
        broker.join(QUEUE, timeout=5_000)

    assert seen == ["sooner", "later"]


def test_a_message_sent_twice_is_one_job(broker: JobBroker) -> None:
    seen: list[int] = []

    @dramatiq.actor(broker=broker)
    def once() -> None:
        seen.append(1)

    message = once.message()
    broker.enqueue(message)
    broker.enqueue(message)
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert seen == [1]


def test_flush_empties_a_queue(broker: JobBroker, engine: QueueEngine) -> None:
    @dramatiq.actor(broker=broker)
    def never() -> None:
        """Stay."""

    for _ in range(5):
        never.send()
    never.send_with_options(delay=60_000)
    broker.flush(QUEUE)

    counts = engine.count_jobs(QUEUE)
    assert (counts.waiting, counts.delayed) == (0, 0)


def test_an_actor_called_inside_another_is_a_plain_call(broker: JobBroker, engine: QueueEngine) -> None:
    @dramatiq.actor(broker=broker, time_limit=300, max_retries=0)
    def outer() -> None:
        inner()
        while True:
            time.sleep(0.01)

    @dramatiq.actor(broker=broker)
    def inner() -> None:
        """Return."""

    message = outer.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert engine.get_job(QUEUE, message.message_id).job.failure_kind is FailureKind.TIMEOUT


def test_an_actor_class_of_ones_own_is_called_as_such(broker: JobBroker) -> None:
    called: list[str] = []

    class Counted(dramatiq.Actor[..., Any]):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            called.append(self.actor_name)
            return super().__call__(*args, **kwargs)

    @dramatiq.actor(broker=broker, actor_class=Counted)
    def short() -> None:
        called.append("its function")

    short.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert called == ["short", "its function"]


def test_a_middleware_hears_how_a_job_ended(broker: JobBroker) -> None:
    heard: list[tuple[str, str]] = []

    class Listener(Middleware):
        def before_ack(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:  # noqa: ARG002
            heard.append(("ack", message.actor_name))

        def after_nack(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:  # noqa: ARG002
            heard.append(("nack", message.actor_name))

    broker.add_middleware(Listener())

    @dramatiq.actor(broker=broker)
    def well() -> None:
        """Return."""

    @dramatiq.actor(broker=broker, max_retries=0)
    def badly() -> None:
        raise ValueError("no")

    well.send()
    badly.send()
    with running(broker, threads=1):
        broker.join(QUEUE, timeout=5_000)

    assert heard == [("ack", "well"), ("nack", "badly")]

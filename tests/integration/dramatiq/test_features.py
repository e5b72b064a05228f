"""Dramatiq's own features over the job broker, each as its documentation promises it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import dramatiq
import pytest
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, GroupCallbacks, Pipelines, Shutdown, TimeLimit
from dramatiq.middleware.time_limit import TimeLimitExceeded
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import StubBackend
from dramatiq.results import ResultFailure, Results

from queue_engine.domain.job import FailureKind, JobState
from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import running, state_of
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.results import JobResults

MakeBroker = Callable[..., JobBroker]
QUEUE = "default"


@pytest.fixture
def with_results(make_broker: MakeBroker, engine: QueueEngine) -> JobBroker:
    rates = StubBackend()
    middleware = [AgeLimit(), Callbacks(), Pipelines(), Results(backend=JobResults(engine)), GroupCallbacks(rates)]
    broker = make_broker(middleware=middleware)
    dramatiq.set_broker(broker)
    return broker


def test_a_message_runs_with_its_arguments(broker: JobBroker, engine: QueueEngine):
    seen: list[Any] = []

    @dramatiq.actor(broker=broker)
    def add(x: int, *, y: int) -> None:
        seen.append(x + y)

    message = add.send(1, y=2)
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert seen == [3]
    assert state_of(engine, QUEUE, message.message_id) is JobState.COMPLETED


def test_a_delayed_message_waits_in_the_store(broker: JobBroker, engine: QueueEngine):
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


def test_a_failing_actor_is_tried_again_until_no_attempt_is_left(broker: JobBroker, engine: QueueEngine):
    calls: list[float] = []

    @dramatiq.actor(broker=broker, max_retries=2, min_backoff=10, max_backoff=20)
    def flaky() -> None:
        calls.append(time.monotonic())
        raise ValueError("not today")

    message = flaky.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    job = engine.get_job(QUEUE, message.message_id).job
    assert len(calls) == 3
    assert (job.state, job.dead, job.failed_reason) == (JobState.FAILED, True, "not today")
    assert (job.error_class, job.failure_kind) == ("ValueError", FailureKind.EXCEPTION)


def test_the_stack_begins_in_the_handler(broker: JobBroker, engine: QueueEngine):
    @dramatiq.actor(broker=broker, max_retries=0)
    def broken() -> None:
        raise ValueError("look here")

    message = broken.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    stack = engine.get_job(QUEUE, message.message_id).job.stack
    assert stack is not None
    assert "in broken" in stack
    assert "dramatiq_broker" not in stack


def test_retry_with_a_delay_comes_back_after_it(broker: JobBroker):
    calls: list[float] = []

    @dramatiq.actor(broker=broker)
    def again() -> None:
        calls.append(time.monotonic())
        if len(calls) == 1:
            raise dramatiq.errors.Retry("in a moment", delay=200)

    again.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert 0.19 <= calls[1] - calls[0] < 1.0


def test_an_expected_exception_is_not_tried_again(broker: JobBroker, engine: QueueEngine):
    calls: list[int] = []

    @dramatiq.actor(broker=broker, throws=(KeyError,))
    def unknown() -> None:
        calls.append(1)
        raise KeyError("nobody")

    message = unknown.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert len(calls) == 1
    assert engine.get_job(QUEUE, message.message_id).job.dead


def test_retry_when_decides(broker: JobBroker):
    calls: list[int] = []

    @dramatiq.actor(broker=broker, min_backoff=10, retry_when=lambda retries, _error: retries < 1)
    def limited() -> None:
        calls.append(1)
        raise ValueError

    limited.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert len(calls) == 2


def test_exhausted_attempts_are_told_to_the_named_actor(broker: JobBroker):
    told: list[Any] = []

    @dramatiq.actor(broker=broker)
    def hear(message: dict[str, Any], retries: dict[str, int]) -> None:
        told.append((message["actor_name"], retries))

    @dramatiq.actor(broker=broker, max_retries=0, on_retry_exhausted="hear")
    def hopeless() -> None:
        raise ValueError

    hopeless.send()
    with running(broker):
        wait_until(lambda: told)

    assert told == [("hopeless", {"retries": 0, "max_retries": 0})]


def test_a_time_limit_stops_an_actor(broker: JobBroker, engine: QueueEngine):
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


def test_dramatiqs_own_time_limit_works_beside_ours(make_broker: MakeBroker, engine: QueueEngine):
    broker = make_broker(middleware=[TimeLimit(time_limit=150, interval=50)])

    @dramatiq.actor(broker=broker, max_retries=0)
    def endless() -> None:
        while True:
            time.sleep(0.01)

    message = endless.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert engine.get_job(QUEUE, message.message_id).job.failure_kind is FailureKind.TIMEOUT


def test_a_message_over_its_age_is_dropped_as_dead(broker: JobBroker, engine: QueueEngine):
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


def test_shutdown_notifies_who_asked_for_it_and_burns_nothing(broker: JobBroker, engine: QueueEngine):
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


def test_callbacks_hear_of_success_and_failure(broker: JobBroker):
    told: list[Any] = []

    @dramatiq.actor(broker=broker)
    def hear(message: dict[str, Any], result: Any) -> None:
        told.append((message["actor_name"], result))

    @dramatiq.actor(broker=broker, on_success="hear")
    def good() -> None:
        """Return."""

    @dramatiq.actor(broker=broker, on_failure="hear", max_retries=0)
    def bad() -> None:
        raise ValueError("no")

    good.send()
    bad.send()
    with running(broker):
        wait_until(lambda: len(told) == 2)

    assert sorted(told) == [("bad", {"type": "ValueError", "message": "no"}), ("good", None)]


def test_a_pipeline_passes_results_on(with_results: JobBroker):
    @dramatiq.actor(broker=with_results, store_results=True)
    def double(x: int) -> int:
        return 2 * x

    pipe = dramatiq.pipeline([double.message(1), double.message(), double.message()], broker=with_results).run()
    with running(with_results):
        assert pipe.get_result(block=True, timeout=5_000) == 8


def test_a_group_collects_results_and_calls_back(with_results: JobBroker):
    done = threading.Event()

    @dramatiq.actor(broker=with_results, store_results=True)
    def double(x: int) -> int:
        return 2 * x

    @dramatiq.actor(broker=with_results)
    def finished() -> None:
        done.set()

    group = dramatiq.group([double.message(n) for n in range(5)], broker=with_results)
    group.add_completion_callback(finished.message())
    group.run()
    with running(with_results):
        assert list(group.get_results(block=True, timeout=5_000)) == [0, 2, 4, 6, 8]
        assert done.wait(5)


def test_a_failure_is_a_result_after_the_last_attempt(with_results: JobBroker):
    @dramatiq.actor(broker=with_results, store_results=True, max_retries=1, min_backoff=10)
    def bad() -> None:
        raise ValueError("no")

    message = bad.send()
    with running(with_results), pytest.raises(ResultFailure, match="actor raised ValueError: no"):
        message.get_result(block=True, timeout=5_000)


def test_current_message_is_the_running_one(broker: JobBroker):
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
):
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


def test_actor_priority_orders_the_queue(make_broker: MakeBroker):
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


def test_a_message_sent_twice_is_one_job(broker: JobBroker):
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


def test_flush_empties_a_queue(broker: JobBroker, engine: QueueEngine):
    @dramatiq.actor(broker=broker)
    def never() -> None:
        """Stay."""

    for _ in range(5):
        never.send()
    never.send_with_options(delay=60_000)
    broker.flush(QUEUE)

    counts = engine.count_jobs(QUEUE)
    assert (counts.waiting, counts.delayed) == (0, 0)


def test_an_actor_called_inside_another_is_a_plain_call(broker: JobBroker, engine: QueueEngine):
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

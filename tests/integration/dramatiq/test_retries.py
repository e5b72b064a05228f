"""Failed attempts: which are tried again, when, and who hears of the last."""

from __future__ import annotations

import time
from typing import Any

import dramatiq

from queue_engine.domain.job import FailureKind, JobState
from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import running
from worker.dramatiq_broker.broker import JobBroker

QUEUE = "default"


def test_a_failing_actor_is_tried_again_until_no_attempt_is_left(broker: JobBroker, engine: QueueEngine) -> None:
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


def test_the_stack_begins_in_the_handler(broker: JobBroker, engine: QueueEngine) -> None:
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


def test_retry_with_a_delay_comes_back_after_it(broker: JobBroker) -> None:
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


def test_an_expected_exception_is_not_tried_again(broker: JobBroker, engine: QueueEngine) -> None:
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


def test_retry_when_decides(broker: JobBroker) -> None:
    calls: list[int] = []

    @dramatiq.actor(broker=broker, min_backoff=10, retry_when=lambda retries, _error: retries < 1)
    def limited() -> None:
        calls.append(1)
        raise ValueError

    limited.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert len(calls) == 2


def test_exhausted_attempts_are_told_to_the_named_actor(broker: JobBroker) -> None:
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

"""Messages that follow others: callbacks, pipelines, groups and their results."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.middleware import AgeLimit, Callbacks, GroupCallbacks, Pipelines
from dramatiq.rate_limits.backends import StubBackend
from dramatiq.results import ResultFailure, Results

from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import running
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.results import JobResults

MakeBroker = Callable[..., JobBroker]


@pytest.fixture
def with_results(make_broker: MakeBroker, engine: QueueEngine) -> JobBroker:
    rates = StubBackend()
    middleware = [AgeLimit(), Callbacks(), Pipelines(), Results(backend=JobResults(engine)), GroupCallbacks(rates)]
    broker = make_broker(middleware=middleware)
    dramatiq.set_broker(broker)
    return broker


def test_callbacks_hear_of_success_and_failure(broker: JobBroker) -> None:
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


def test_a_pipeline_passes_results_on(with_results: JobBroker) -> None:
    @dramatiq.actor(broker=with_results, store_results=True)
    def double(x: int = 0) -> int:
        return 2 * x

    pipe = dramatiq.pipeline([double.message(1), double.message(), double.message()], broker=with_results).run()
    with running(with_results):
        assert pipe.get_result(block=True, timeout=5_000) == 8


def test_a_group_collects_results_and_calls_back(with_results: JobBroker) -> None:
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


def test_a_failure_is_a_result_after_the_last_attempt(with_results: JobBroker) -> None:
    @dramatiq.actor(broker=with_results, store_results=True, max_retries=1, min_backoff=10)
    def bad() -> None:
        raise ValueError("no")

    message = bad.send()
    with running(with_results), pytest.raises(ResultFailure, match="actor raised ValueError: no"):
        message.get_result(block=True, timeout=5_000)


def test_a_job_is_not_done_while_what_follows_it_cannot_be_enqueued(
    broker: JobBroker, engine: QueueEngine, valkey_url: str
) -> None:
    got: list[int] = []

    @dramatiq.actor(broker=broker, queue_name="first")
    def first() -> int:
        return 1

    @dramatiq.actor(broker=broker, queue_name="second")
    def second(value: int = 0) -> None:
        got.append(value)

    with redis.Redis.from_url(valkey_url) as client:
        dramatiq.pipeline([first.message(), second.message()], broker=broker).run()
        client.config_set("maxmemory", 1)
        with running(broker):
            wait_until(lambda: engine.count_jobs("first").totals["deferred"] >= 1)
            client.config_set("maxmemory", 0)
            wait_until(lambda: 1 in got, within=8)

    assert engine.count_jobs("first").completed == 1

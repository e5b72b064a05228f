from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, assert_balanced, assert_consistent
from engine.schedules import Runner
from queue_engine.engine import QueueEngine


@pytest.fixture
def client(valkey_url: str, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    if valkey_url.startswith("redis+cluster:"):
        yield request.getfixturevalue("cluster_client")
        return
    with redis.Redis.from_url(valkey_url) as connection:
        yield connection


@pytest.fixture
def engine(valkey_url: str, client: redis.Redis) -> Iterator[QueueEngine]:
    """An engine on an empty store; whatever a test did, counters balance and indexes agree with jobs at the end."""
    queue_engine = QueueEngine.connect(valkey_url)
    yield queue_engine
    client.config_set("maxmemory", 0)
    for queue in queue_engine.list_queues():
        assert_balanced(queue_engine, queue)
        assert_consistent(client, queue)
    queue_engine.close()


@pytest.fixture
def worker(engine: QueueEngine) -> Worker:
    return Worker(engine)


@pytest.fixture
def clock(client: redis.Redis) -> Clock:
    return Clock(client)


@pytest.fixture
def runner(engine: QueueEngine, client: redis.Redis) -> Runner:
    engine._store.set_up_queue(QUEUE)
    return Runner(engine, client)

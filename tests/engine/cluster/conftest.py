from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis.cluster import RedisCluster

from fixtures.valkey_cluster import ValkeyCluster


@pytest.fixture(scope="session")
def cluster_client(shared_cluster: ValkeyCluster) -> Iterator[Any]:
    """redis-py's own way to the shared cluster."""
    with RedisCluster.from_url(shared_cluster.nodes[0].url) as connection:
        yield connection


@pytest.fixture
def client(cluster_client: Any) -> Any:
    """The same, with the cluster as empty as a new one."""
    cluster_client.flushall()
    cluster_client.function_flush("SYNC")
    return cluster_client


@pytest.fixture
def valkey_url(client: Any, shared_cluster: ValkeyCluster) -> str:
    """In place of the one server's, so that the engine's other tests can be run on the cluster."""
    return shared_cluster.url

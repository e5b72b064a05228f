"""Somebody changes the store under the running system: its eviction policy, its memory limit, its functions."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import pytest
import redis

from fixtures.stack import RunningStack
from support.waiting import wait_until

QUEUE = "/jobs/queues/notifications"


@pytest.fixture
def store(fault_stack: RunningStack) -> Iterator[redis.Redis]:
    """The stack's store, put right again afterwards."""
    with redis.Redis.from_url(fault_stack.redis_url) as client:
        yield client
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
    wait_until(lambda: httpx.get(f"{fault_stack.url}/health").json()["status"] == "ok", within=10)


def enqueue(client: httpx.Client) -> httpx.Response:
    data = {"type": "email", "recipientId": "nobody", "message": "m"}
    opts = {"jobId": f"settings-{uuid.uuid4().hex[:12]}", "delay": 3_600_000}
    return client.post(QUEUE, json={"name": "send-notification", "data": data, "opts": opts})


def test_a_store_that_begins_to_evict_gets_no_more_jobs_until_it_is_put_right(
    fault_stack: RunningStack, store: redis.Redis
) -> None:
    with fault_stack.client("service@local") as service:
        assert enqueue(service).status_code == 201
        store.config_set("maxmemory-policy", "allkeys-lru")

        wait_until(lambda: enqueue(service).status_code == 503, within=5)
        refused = enqueue(service)
        assert (refused.json()["code"], "retry-after" in refused.headers) == ("UNAVAILABLE", True)
        wait_until(lambda: httpx.get(f"{fault_stack.url}/health").json()["redis"]["status"] == "down", within=5)

        store.config_set("maxmemory-policy", "noeviction")
        wait_until(lambda: enqueue(service).status_code == 201, within=5)


def test_a_full_store_refuses_new_jobs_with_429_and_lets_operators_make_room(
    fault_stack: RunningStack, store: redis.Redis
) -> None:
    with fault_stack.client("service@local") as service, fault_stack.client() as ops:
        job_id = enqueue(service).json()["id"]
        store.config_set("maxmemory", store.info("memory")["used_memory"] // 2)

        full = enqueue(service)
        assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (429, "LIMITED", "5")
        assert ops.get("/jobs/queues").status_code == 200
        assert ops.post(f"{QUEUE}/{job_id}/remove").json()["outcome"] == "removed"

        store.config_set("maxmemory", 0)
        assert enqueue(service).status_code == 201


def test_lost_functions_are_loaded_again_by_whoever_misses_them(fault_stack: RunningStack, store: redis.Redis) -> None:
    with fault_stack.client("service@local") as service:
        store.function_flush()
        assert enqueue(service).status_code == 201

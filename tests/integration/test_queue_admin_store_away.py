from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
import pytest
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fixtures.queue_admin import RunningQueueAdmin, StartQueueAdmin, a_job_type
from fixtures.valkey import ValkeyServer
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused
from support.waiting import wait_until

T = TypeVar("T")
ENQUEUE = pb.EnqueueJobRequest(queue="tickets", name="ticket.created", data=b'{"ticketId":"42"}')
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health(admin: RunningQueueAdmin, service: str) -> int:
    with grpc.insecure_channel(admin.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status)


def http(admin: RunningQueueAdmin, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{admin.service.metrics_port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def admin(start_queue_admin: StartQueueAdmin, valkey_server: ValkeyServer) -> RunningQueueAdmin:
    running = start_queue_admin(valkey_server.url)
    running.register(a_job_type())
    return running


def test_while_the_store_is_away_calls_say_so_and_go_on_when_it_is_back(
    admin: RunningQueueAdmin, valkey_server: ValkeyServer
) -> None:
    backend, ops = admin.stub("SERVICE"), admin.stub("OPS")
    backend.EnqueueJob(ENQUEUE)
    valkey_server.kill()

    for call in (
        lambda: backend.EnqueueJob(ENQUEUE),
        lambda: ops.ListQueues(pb.ListQueuesRequest()),
        lambda: ops.RetryJob(pb.RetryJobRequest(queue="tickets", job_id="ticket-created-42")),
        lambda: ops.ListWorkers(pb.ListWorkersRequest()),
    ):
        began = time.monotonic()
        with refused("UNAVAILABLE") as refusal:
            call()
        assert refusal.error.retry_after_ms == 1_000
        assert time.monotonic() - began < 3

    valkey_server.start()
    answer = wait_until(lambda: attempt(lambda: backend.EnqueueJob(ENQUEUE)), within=10)
    assert answer is not None
    assert answer.created is False  # what was accepted before is still there


def test_health_and_readiness_follow_the_store_and_liveness_does_not(
    admin: RunningQueueAdmin, valkey_server: ValkeyServer
) -> None:
    wait_until(lambda: health(admin, "store") == SERVING)
    assert http(admin, "/readyz")[0] == 200
    valkey_server.kill()

    wait_until(lambda: health(admin, "store") == NOT_SERVING)
    assert health(admin, "") == SERVING
    assert http(admin, "/readyz")[0] == 503
    assert http(admin, "/livez")[0] == 200
    assert "queue_store_up 0.0" in http(admin, "/metrics")[1]

    valkey_server.start()
    wait_until(lambda: health(admin, "store") == SERVING, within=10)
    wait_until(lambda: "queue_store_up 1.0" in http(admin, "/metrics")[1], within=10)


def test_queue_admin_starts_while_the_store_is_away(
    start_queue_admin: StartQueueAdmin, valkey_server: ValkeyServer
) -> None:
    valkey_server.stop()
    admin = start_queue_admin(valkey_server.url)
    with refused("UNAVAILABLE"):
        admin.stub("OPS").ListQueues(pb.ListQueuesRequest())

    valkey_server.start()

    wait_until(lambda: attempt(lambda: admin.stub("OPS").ListQueues(pb.ListQueuesRequest())), within=10)


def test_a_full_store_refuses_new_jobs_and_still_lets_people_work(
    admin: RunningQueueAdmin, valkey_server: ValkeyServer
) -> None:
    admin.bury_job("one")
    limit_memory(valkey_server, 1)
    backend, ops = admin.stub("SERVICE"), admin.stub("OPS")

    with refused("LIMITED") as refusal:
        backend.EnqueueJob(ENQUEUE)

    assert refusal.error.retry_after_ms == 5_000
    ops.RemoveJob(pb.RemoveJobRequest(queue="tickets", job_id="one"))
    limit_memory(valkey_server, 0)
    assert backend.EnqueueJob(ENQUEUE).created


def limit_memory(server: ValkeyServer, size_bytes: int) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", size_bytes)


def attempt(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except grpc.RpcError:
        return None

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fixtures.queue_admin import RunningQueueAdmin
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_admin.service import DESCRIPTOR
from service_kit.contract import Method, methods_of
from support.calls import refused

METHODS = list(methods_of(DESCRIPTOR).values())
ROLES = ("ADMIN", "OPS", "SERVICE", "TENANT", "WORKER", "QUEUE_ADMIN")
CHANGES_OF_SCHEDULES = {"UpsertSchedule", "PauseSchedule", "ResumeSchedule", "RemoveSchedule"}
BEYOND_OPS = {"DrainWorker", "ResumeWorker", "ReconcileQueue", "EraseSubject"} | CHANGES_OF_SCHEDULES
FOR_BACKENDS = {"EnqueueJob", "EnqueueJobs", "GetJob", "CancelJob", "ListJobTypes"}
FOR_WORKERS = {"RegisterWorker"}


def call(admin: RunningQueueAdmin, method: Method, role: str) -> None:
    request = GetMessageClass(method.descriptor.input_type)()
    getattr(admin.stub(role), method.name)(request)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_each_method_is_for_the_roles_the_specification_names(queue_admin: RunningQueueAdmin, method: Method) -> None:
    refused_roles = set()
    for role in ROLES:
        try:
            call(queue_admin, method, role)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.PERMISSION_DENIED:
                refused_roles.add(role)

    expected = {"WORKER"} if method.name in FOR_WORKERS else {"ADMIN"}
    if method.name not in FOR_WORKERS | BEYOND_OPS:
        expected.add("OPS")
    if method.name in FOR_BACKENDS:
        expected.add("SERVICE")
    assert set(ROLES) - refused_roles == expected


def test_a_call_without_token_is_refused(queue_admin: RunningQueueAdmin) -> None:
    with grpc.insecure_channel(queue_admin.address) as channel:
        list_queues = channel.unary_unary(
            f"/{DESCRIPTOR.full_name}/ListQueues",
            pb.ListQueuesRequest.SerializeToString,
            pb.ListQueuesResponse.FromString,
        )
        with refused("UNAUTHENTICATED"):
            list_queues(pb.ListQueuesRequest(), timeout=5)


def test_a_call_without_deadline_is_refused(queue_admin: RunningQueueAdmin) -> None:
    token = queue_admin.authority.token("OPS")
    with grpc.insecure_channel(queue_admin.address) as channel:
        list_queues = channel.unary_unary(
            f"/{DESCRIPTOR.full_name}/ListQueues",
            pb.ListQueuesRequest.SerializeToString,
            pb.ListQueuesResponse.FromString,
        )
        with refused("INVALID_REQUEST") as refusal:
            list_queues(pb.ListQueuesRequest(), metadata=(("authorization", f"Bearer {token}"),))
    assert refusal.error.detail == "every call needs a deadline"


def test_health_needs_no_token_and_knows_the_store(queue_admin: RunningQueueAdmin) -> None:
    with grpc.insecure_channel(queue_admin.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", DESCRIPTOR.full_name, "store"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING, service

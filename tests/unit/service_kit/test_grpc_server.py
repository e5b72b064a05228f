"""A real server and a real client of ours on this machine: what every server offers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client import CollectorRegistry

from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.audit.v1 import audit_service_pb2_grpc
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.tokens import TokenVerifier
from support.grpc_service import SERVICE, Running, Servicer, code_of, running_service, translate
from support.waiting import wait_until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with running_service(tmp_path) as service:
        yield service


def health(running: Running, service: str) -> int:
    with grpc.insecure_channel(f"127.0.0.1:{running.server.port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=2).status)


def test_health_answers_without_a_token_while_every_thread_is_busy(running: Running) -> None:
    calls = [running.stub.VerifyChain.future(pb.VerifyChainRequest(), timeout=10) for _ in range(6)]
    wait_until(lambda: len(running.servicer.seen) == 2)

    assert health(running, "") == health_pb2.HealthCheckResponse.SERVING
    assert health(running, SERVICE.full_name) == health_pb2.HealthCheckResponse.SERVING
    running.servicer.release.set()
    assert [call.result().intact for call in calls] == [True] * 6


def test_a_dependency_has_a_health_entry_of_its_own(running: Running) -> None:
    running.server.set_health("database", serving=False)

    assert health(running, "database") == health_pb2.HealthCheckResponse.NOT_SERVING
    assert health(running, "") == health_pb2.HealthCheckResponse.SERVING


def test_reflection_shows_our_service(running: Running) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{running.server.port}") as channel:
        names = list(ProtoReflectionDescriptorDatabase(channel).get_services())

    assert SERVICE.full_name in names


def test_a_port_in_use_is_one_clear_error(running: Running) -> None:
    with pytest.raises(RuntimeError, match=str(running.server.port)):
        GrpcServer(
            port=running.server.port,
            threads=1,
            interceptor=CallInterceptor({}, TokenVerifier([]), translate=translate, registry=CollectorRegistry()),
            services=[],
            add_servicers=lambda _server: None,
            host="127.0.0.1",
        )


def test_a_method_left_out_of_the_contract_is_never_open(tmp_path: Path) -> None:
    server = GrpcServer(
        port=0,
        threads=1,
        interceptor=CallInterceptor({}, TokenVerifier([]), translate=translate, registry=CollectorRegistry()),
        services=[],
        add_servicers=lambda s: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(Servicer(), s),
        host="127.0.0.1",
    )
    server.start()

    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, pytest.raises(grpc.RpcError) as caught:
        audit_service_pb2_grpc.AuditServiceStub(channel).ListEntries(pb.ListEntriesRequest(), timeout=2)

    assert code_of(caught.value) is grpc.StatusCode.UNIMPLEMENTED
    server.stop(0)

"""A service on the kit in this process: its answers are what a test says, its client is the kit's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from prometheus_client import CollectorRegistry

from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.audit.v1 import audit_service_pb2_grpc
from service_kit.context import current_caller, request_id
from service_kit.contract import methods_of
from service_kit.errors import ServiceError, from_rpc_error
from service_kit.grpc_client import open_channel
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.keys import KeySource
from service_kit.roles import OUR_ROLES
from service_kit.tokens import Issuer, TokenVerifier
from support.tokens import Authority

SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]
LIST, VERIFY = "ListEntries", "VerifyChain"


@dataclass
class Servicer(audit_service_pb2_grpc.AuditServiceServicer):
    """Answers what a test tells it to, and remembers what it saw."""

    error: Exception | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def ListEntries(self, request: pb.ListEntriesRequest, context: Any) -> pb.ListEntriesResponse:  # noqa: N802, ARG002
        self.seen.append((current_caller().subject, request_id()))
        if self.error:
            raise self.error
        return pb.ListEntriesResponse()

    def AppendEntries(self, request: pb.AppendEntriesRequest, context: Any) -> pb.AppendEntriesResponse:  # noqa: N802, ARG002
        return pb.AppendEntriesResponse()

    def VerifyChain(self, request: pb.VerifyChainRequest, context: Any) -> pb.VerifyChainResponse:  # noqa: N802, ARG002
        self.seen.append((current_caller().subject, request_id()))
        self.release.wait(10)
        return pb.VerifyChainResponse(intact=True)

    def GetVerification(self, request: pb.GetVerificationRequest, context: Any) -> pb.GetVerificationResponse:  # noqa: N802, ARG002
        return pb.GetVerificationResponse()


class StoreDown(Exception):
    """A domain error that `translate` knows."""


def translate(error: Exception) -> ServiceError | None:
    if isinstance(error, StoreDown):
        return ServiceError("UNAVAILABLE", "the store is away", retry_after_ms=700)
    return None


@dataclass
class Running:
    server: GrpcServer
    servicer: Servicer
    authority: Authority
    registry: CollectorRegistry
    folder: Path
    channel: grpc.Channel

    @property
    def stub(self) -> audit_service_pb2_grpc.AuditServiceStub:
        return audit_service_pb2_grpc.AuditServiceStub(self.channel)

    def plain(self, **metadata: str) -> Any:
        """Call ListEntries without our client's interceptor."""
        channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}")
        call = channel.unary_unary(
            f"/{SERVICE.full_name}/{LIST}",
            request_serializer=pb.ListEntriesRequest.SerializeToString,
            response_deserializer=pb.ListEntriesResponse.FromString,
        )
        try:
            given = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
            return call.with_call(pb.ListEntriesRequest(), timeout=5, metadata=given)
        finally:
            channel.close()

    def refused_plainly(self, **metadata: str) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as caught:
            self.plain(**metadata)
        return caught.value

    def failed(self, call: Any, request: Any, **options: Any) -> ServiceError:
        with pytest.raises(grpc.RpcError) as caught:
            call(request, **options)
        return from_rpc_error(caught.value)


@contextmanager
def running_service(folder: Path) -> Iterator[Running]:
    """Start it on a free port with two threads."""
    authority, registry, servicer = Authority(), CollectorRegistry(), Servicer()
    issuer = Issuer(
        "jobqueue", "jobqueue", KeySource(authority.write_jwks(folder)), ("EdDSA",), "roles", OUR_ROLES, "at+jwt"
    )
    server = GrpcServer(
        port=0,
        threads=2,
        interceptor=CallInterceptor(
            methods_of(SERVICE), TokenVerifier([issuer]), translate=translate, registry=registry
        ),
        services=[SERVICE.full_name],
        add_servicers=lambda s: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(servicer, s),
        host="127.0.0.1",
    )
    server.start()
    token = authority.write_token(folder, "OPS", sub="olga")
    channel = open_channel(f"127.0.0.1:{server.port}", token_file=token)
    yield Running(server, servicer, authority, registry, folder, channel)
    servicer.release.set()
    channel.close()
    server.stop(1)


def code_of(error: grpc.RpcError) -> grpc.StatusCode:
    """The status that a failed call has."""
    return cast("grpc.Call", error).code()

"""An audit service that keeps what it is sent in a list, and fails as a test tells it to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.audit.v1 import audit_service_pb2_grpc
from service_kit.contract import methods_of
from service_kit.errors import ServiceError
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.settings import ServiceSettings
from service_kit.tokens import TokenVerifier
from support.tokens import Authority

SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]


class RecordingAudit(audit_service_pb2_grpc.AuditServiceServicer):
    """Idempotent by event id like the real one. `refuse` names reasons by event id or, under "", for every call."""

    def __init__(self) -> None:
        self.entries: list[pb.NewEntry] = []
        self.calls = 0
        self.refuse: dict[str, str] = {}
        self.port = 0

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"127.0.0.1:{self.port}"

    def AppendEntries(self, request: pb.AppendEntriesRequest, context: Any) -> pb.AppendEntriesResponse:  # noqa: ARG002, N802
        """Keep what is new."""
        self.calls += 1
        for reason in (self.refuse.get(key) for key in ("", *(entry.event_id for entry in request.entries))):
            if reason:
                raise ServiceError(reason, "as the test wants it")
        known = {entry.event_id for entry in self.entries}
        new = [entry for entry in request.entries if entry.event_id not in known]
        self.entries += new
        return pb.AppendEntriesResponse(appended=len(new))

    def ListEntries(self, request: pb.ListEntriesRequest, context: Any) -> pb.ListEntriesResponse:  # noqa: N802
        """Not needed by anybody here."""
        raise NotImplementedError

    def VerifyChain(self, request: pb.VerifyChainRequest, context: Any) -> pb.VerifyChainResponse:  # noqa: N802
        """Not needed by anybody here."""
        raise NotImplementedError

    def GetVerification(self, request: pb.GetVerificationRequest, context: Any) -> pb.GetVerificationResponse:  # noqa: N802
        """Not needed by anybody here."""
        raise NotImplementedError


@contextmanager
def recording_audit(authority: Authority, folder: Path, *, port: int = 0) -> Iterator[RecordingAudit]:
    """Serve one that accepts tokens of `authority`."""
    servicer = RecordingAudit()
    verifier = TokenVerifier.from_settings(ServiceSettings(auth_jwks=authority.write_jwks(folder)))
    server = GrpcServer(
        host="127.0.0.1",
        port=port,
        threads=2,
        interceptor=CallInterceptor(
            methods_of(SERVICE), verifier, translate=lambda _: None, registry=CollectorRegistry()
        ),
        services=[SERVICE.full_name],
        add_servicers=lambda server: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(servicer, server),
    )
    servicer.port = server.port
    server.start()
    try:
        yield servicer
    finally:
        server.stop(0)

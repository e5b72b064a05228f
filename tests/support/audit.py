"""The audit service in this process, and records for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from audit.service import AuditService
from audit.settings import AuditSettings
from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.audit.v1 import audit_service_pb2_grpc
from service_kit.errors import ServiceError, from_rpc_error
from service_kit.grpc_client import open_channel
from support.tokens import Authority

NUMBERS = itertools.count(1)


def an_entry(**fields: Any) -> pb.NewEntry:
    """A record as queue-admin ships it, with an event id of its own."""
    usual = {
        "event_id": f"tickets:{next(NUMBERS)}",
        "queue": "tickets",
        "job_id": "ticket-created-7",
        "action": pb.AUDIT_ACTION_RETRY,
        "actor": "olga",
        "issuer": "jobqueue",
        "token_id": "t-1",
        "reason": "provider is back",
        "happened_at": 1_790_000_000_000,
        "detail": b'{"attempts": 3}',
    }
    return pb.NewEntry(**{**usual, **fields})


@dataclass(frozen=True, slots=True)
class RunningAudit:
    """A service with one client of each kind."""

    service: AuditService
    shipper: audit_service_pb2_grpc.AuditServiceStub  # with queue-admin's token
    operator: audit_service_pb2_grpc.AuditServiceStub  # with an OPS user's token

    def append(self, *entries: pb.NewEntry) -> int:
        """How many were new."""
        return self.shipper.AppendEntries(pb.AppendEntriesRequest(entries=entries)).appended

    def list(self, **conditions: Any) -> pb.ListEntriesResponse:
        """What an operator sees."""
        return self.operator.ListEntries(pb.ListEntriesRequest(**conditions))

    def verify(self) -> pb.VerifyChainResponse:
        """What an operator is told about the chain."""
        return self.operator.VerifyChain(pb.VerifyChainRequest(), timeout=20)


def refused(call: Any, request: Any) -> ServiceError:
    """The refusal that the call must end with."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=5)
    return from_rpc_error(caught.value)


@contextmanager
def running_audit(folder: Path, database_url: str, **settings: Any) -> Iterator[RunningAudit]:
    """Start the service on free ports; PostgreSQL does not have to be there."""
    authority = Authority()
    service = AuditService(
        AuditSettings(
            database_url=database_url,
            auth_jwks=authority.write_jwks(folder),
            audit_host="127.0.0.1",
            audit_port=0,
            audit_metrics_port=0,
            **settings,
        )
    )
    service.start()
    address = f"127.0.0.1:{service.port}"
    with (
        open_channel(address, token_file=authority.write_token(folder, "QUEUE_ADMIN")) as shipping,
        open_channel(address, token_file=authority.write_token(folder, "OPS")) as operating,
    ):
        stub = audit_service_pb2_grpc.AuditServiceStub
        yield RunningAudit(service, stub(shipping), stub(operating))
    service.stop()

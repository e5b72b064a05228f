"""Accepting that the store's jobs are gone: into the audit log first, then told to all services."""

from __future__ import annotations

import time
import uuid

import grpc

from jobqueue.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from queue_admin.settings import QueueAdminSettings
from queue_engine.domain.errors import StoreEpochChanged
from queue_engine.engine import QueueEngine
from service_kit.errors import from_rpc_error
from service_kit.grpc_client import open_channel

EVERY_QUEUE = "*"
"""Stands for the queue in the record: all of them lost their jobs, and the store no longer knows their names."""


def accept_loss(settings: QueueAdminSettings, *, actor: str, reason: str) -> bool:
    """False when there was none. Raises ServiceError when it cannot be recorded, StoreUnavailable and the like."""
    engine = QueueEngine.connect(settings.redis_url, timeout_seconds=settings.queue_admin_store_timeout_seconds)
    try:
        engine.check_store()
    except StoreEpochChanged:
        _record(settings, actor, reason)
        return engine.accept_loss(actor)
    finally:
        engine.close()
    return False


def _record(settings: QueueAdminSettings, actor: str, reason: str) -> None:
    entry = audit_service_pb2.NewEntry(
        event_id=uuid.uuid4().hex,
        queue=EVERY_QUEUE,
        action=audit_service_pb2.AUDIT_ACTION_ACCEPT_LOSS,
        actor=actor,
        reason=reason,
        happened_at=round(time.time() * 1000),
    )
    with open_channel(settings.queue_admin_audit_address, token_file=settings.service_token_file) as channel:
        try:
            audit_service_pb2_grpc.AuditServiceStub(channel).AppendEntries(
                audit_service_pb2.AppendEntriesRequest(entries=[entry])
            )
        except grpc.RpcError as error:
            raise from_rpc_error(error) from error

"""Audit records as the audit service takes them."""

from __future__ import annotations

from jobqueue.audit.v1 import audit_service_pb2
from queue_engine.domain.audit import AuditRecord


def to_entry(record: AuditRecord) -> audit_service_pb2.NewEntry:
    """The entry to append. Raises ValueError for an action the contract does not know."""
    return audit_service_pb2.NewEntry(
        event_id=record.event_id,
        queue=record.queue,
        job_id=record.job_id,
        action=audit_service_pb2.AuditAction.Value(f"AUDIT_ACTION_{record.action.upper()}"),
        actor=record.actor,
        issuer=record.issuer,
        token_id=record.token_id,
        reason=record.reason,
        happened_at=record.at_ms,
        detail=record.detail.encode(),
        request_id=record.request_id,
    )

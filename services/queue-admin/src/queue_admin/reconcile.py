"""Proving a queue, and mending it when asked to."""

from __future__ import annotations

from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from jobqueue.queue.v1 import reconciliation_pb2
from queue_admin.actions import action_of
from queue_admin.errors import invalid
from queue_engine.domain.reconciliation import Balance, Finding
from queue_engine.engine import QueueEngine
from service_kit.tokens import Caller


def reconcile_queue(
    engine: QueueEngine, request: pb.ReconcileQueueRequest, caller: Caller
) -> pb.ReconcileQueueResponse:
    """One stretch of the proof. Raises QueueNotFound, QueueReserved, InvalidArgument and ServiceError (no reason)."""
    if request.repair and not request.reason:
        raise invalid("reason", "is required for a repair")
    action = action_of(caller, request.reason) if request.repair else None
    found = engine.reconciling.reconcile_queue(request.queue, start=request.next or None, action=action)
    return pb.ReconcileQueueResponse(
        findings=[_finding(finding) for finding in found.findings],
        looked_at=found.looked_at,
        next=found.next,
        balance=_balance(found.balance) if found.balance else None,
    )


def _finding(finding: Finding) -> reconciliation_pb2.Finding:
    kind = reconciliation_pb2.FindingKind.Value(f"FINDING_KIND_{finding.kind.name}")
    return reconciliation_pb2.Finding(kind=kind, job_id=finding.job_id, detail=finding.detail)


def _balance(balance: Balance) -> reconciliation_pb2.Balance:
    names = reconciliation_pb2.Balance.DESCRIPTOR.fields_by_name
    return reconciliation_pb2.Balance(**{name: getattr(balance, name) for name in names})

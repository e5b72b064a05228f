"""Erasing a person from a queue."""

from __future__ import annotations

from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_admin.actions import action_of
from queue_engine.engine import QueueEngine
from service_kit.tokens import Caller


def erase_subject(engine: QueueEngine, request: pb.EraseSubjectRequest, caller: Caller) -> pb.EraseSubjectResponse:
    """One stretch of the erasure. Raises QueueNotFound, QueueReserved and InvalidArgument."""
    erased = engine.erasing.erase_subject(
        request.queue,
        request.subject,
        action=action_of(caller, request.reason),
        start=request.next or None,
        dry_run=request.dry_run,
    )
    return pb.EraseSubjectResponse(
        removed=erased.removed,
        redacted=erased.redacted,
        left=[pb.SkippedJob(id=job_id, why=why) for job_id, why in erased.left],
        looked_at=erased.looked_at,
        next=erased.next,
    )

"""Retrying, removing and cancelling by filter; through the dead-letter view over all queues."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from jobqueue.queue.v1 import queue_admin_service_pb2
from queue_admin.actions import action_of
from queue_admin.convert import STATE_FROM_WIRE
from queue_admin.errors import invalid
from queue_engine.domain.job import DEAD_LETTER_QUEUE, JobState
from queue_engine.engine import BulkResult, JobFilter, QueueEngine
from service_kit.tokens import Caller

Request = (
    queue_admin_service_pb2.RetryJobsRequest
    | queue_admin_service_pb2.RemoveJobsRequest
    | queue_admin_service_pb2.CancelJobsRequest
)
Verb = Callable[..., BulkResult]
LIMIT = 1_000
CANCELLABLE = (JobState.WAITING, JobState.DELAYED, JobState.ACTIVE)
_ID = re.compile(r"[A-Za-z0-9._:-]{1,264}")


class BulkDesk:
    """Bulk actions; each job that changes gets its own audit record. Raises QueueNotFound and ServiceError."""

    def __init__(self, engine: QueueEngine) -> None:
        self._engine = engine

    def retry_jobs(self, request: queue_admin_service_pb2.RetryJobsRequest, caller: Caller) -> BulkResult:
        """Retry all failed jobs that match."""
        which = to_filter(request)
        if which.state is not JobState.FAILED:
            raise invalid("status", "must be failed")
        return self._run(request, which, caller, self._engine.retry_jobs)

    def remove_jobs(self, request: queue_admin_service_pb2.RemoveJobsRequest, caller: Caller) -> BulkResult:
        """Remove all jobs that match and are not active."""
        which = to_filter(request)
        if which.state is JobState.ACTIVE:
            raise invalid("status", "must not be active")
        if request.queue == DEAD_LETTER_QUEUE and which.state is not JobState.FAILED:
            raise invalid("status", "must be failed")
        return self._run(request, which, caller, self._engine.remove_jobs)

    def cancel_jobs(self, request: queue_admin_service_pb2.CancelJobsRequest, caller: Caller) -> BulkResult:
        """Cancel all jobs that match, or ask their handlers to stop. Raises QueueReserved for dead-letter."""
        which = to_filter(request)
        if which.state not in CANCELLABLE:
            raise invalid("status", f"must be one of {', '.join(CANCELLABLE)}")
        return self._run(request, which, caller, self._engine.cancel_jobs)

    def _run(self, request: Request, which: JobFilter, caller: Caller, verb: Verb) -> BulkResult:
        result = verb(request.queue, which, action=action_of(caller, request.reason), dry_run=request.dry_run)
        # A dry run says what would be done: all that match, for they match by their state too.
        return replace(result, done=result.matched) if request.dry_run else result


def to_filter(request: Request) -> JobFilter:
    """What the request means; raises ServiceError INVALID_REQUEST for a malformed id."""
    for index, job_id in enumerate(request.ids):
        if not _ID.fullmatch(job_id):
            raise invalid(f"ids[{index}]", f"must match {_ID.pattern}")
    given = {field.name: value for field, value in request.ListFields()}
    return JobFilter(
        state=STATE_FROM_WIRE[request.status],
        name=given.get("name"),
        error_contains=given.get("error_contains"),
        finished_before_ms=given.get("finished_before"),
        finished_after_ms=given.get("finished_after"),
        accepted_before_ms=given.get("accepted_before"),
        ids=tuple(request.ids) or None,
        limit=given.get("limit", LIMIT),
        group=given.get("group"),
    )

"""From the contract's messages to the engine's values and back."""

from __future__ import annotations

import math

import orjson

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2
from queue_admin.errors import invalid
from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff, BackoffKind
from queue_engine.domain.error_group import ErrorGroup
from queue_engine.domain.job import (
    DEAD_LETTER_QUEUE,
    Attempt,
    IfExists,
    Job,
    JobDetail,
    JobState,
    LogLine,
    Minute,
    Order,
    QueueCounts,
)
from queue_engine.domain.job_type import EnqueueOptions

STATE_TO_WIRE: dict[JobState, job_pb2.JobState.ValueType] = {
    state: job_pb2.JobState.Value(f"JOB_STATE_{state.name}") for state in JobState
}
STATE_FROM_WIRE = {wire: state for state, wire in STATE_TO_WIRE.items()}
ORDER_FROM_WIRE = {
    queue_admin_service_pb2.JOB_ORDER_OLDEST: Order.OLDEST,
    queue_admin_service_pb2.JOB_ORDER_NEWEST: Order.NEWEST,
}
_KIND_FROM_WIRE = {
    job_pb2.BACKOFF_TYPE_FIXED: BackoffKind.FIXED,
    job_pb2.BACKOFF_TYPE_EXPONENTIAL: BackoffKind.EXPONENTIAL,
}
_KIND_TO_WIRE = {kind: wire for wire, kind in _KIND_FROM_WIRE.items()}
_REPLACE = job_pb2.IF_EXISTS_REPLACE
_PLAIN = EnqueueOptions()


def to_options(opts: job_pb2.JobOptions, job_type_backoff: Backoff = DEFAULT_BACKOFF) -> EnqueueOptions:
    """Raises ServiceError INVALID_REQUEST when both `delay` and `dueAt` are given."""
    given = {field.name: value for field, value in opts.ListFields()}
    if not given:
        return _PLAIN
    if "delay" in given and "due_at" in given:
        raise invalid("opts.dueAt", "and opts.delay exclude each other")
    return EnqueueOptions(
        job_id=given.get("job_id"),
        delay_ms=given.get("delay"),
        due_at_ms=given.get("due_at"),
        priority=given.get("priority"),
        attempts=given.get("attempts"),
        backoff=to_backoff(opts.backoff, job_type_backoff) if "backoff" in given else None,
        timeout_ms=given.get("timeout"),
        if_exists=IfExists.REPLACE if opts.if_exists == _REPLACE else IfExists.RETURN,
    )


def to_backoff(message: job_pb2.Backoff, default: Backoff = DEFAULT_BACKOFF) -> Backoff:
    """The backoff asked for; an unspecified type is the default's."""
    return Backoff(_KIND_FROM_WIRE.get(message.type, default.kind), message.delay, default.max_delay_ms, default.jitter)


def from_backoff(backoff: Backoff) -> job_pb2.Backoff:
    """The backoff as callers see it."""
    return job_pb2.Backoff(type=_KIND_TO_WIRE[backoff.kind], delay=backoff.delay_ms)


def from_job(job: Job, *, listed_from: str) -> job_pb2.Job:
    """The job as a list of the queue `listed_from` shows it; the dead-letter view names the queue it lives in."""
    in_view = listed_from == DEAD_LETTER_QUEUE
    return job_pb2.Job(
        id=job.job_id,
        queue=listed_from,
        name=job.name,
        data=as_json(job.data),
        status=STATE_TO_WIRE[job.state],
        progress=as_json(job.progress) if job.progress else b"",
        attempts_made=job.attempts_made,
        max_attempts=job.max_attempts,
        deliveries=job.deliveries,
        lost_leases=job.lost_leases,
        timestamp=job.created_at_ms,
        due_at=job.due_at_ms,
        processed_on=job.processed_at_ms,
        finished_on=job.finished_at_ms,
        failed_reason=job.failed_reason,
        failure_kind=job.failure_kind.value if job.failure_kind else None,
        dead=job.dead,
        cancelled=job.cancelled,
        cancel_requested=job.cancel_requested,
        priority=job.priority,
        worker=job.worker,
        owner=job.owner,
        original_queue=job.queue if in_view else None,
        malformed=job.malformed,
        group=job.group,
    )


def options_of(job: Job) -> job_pb2.JobOptions:
    """What the job runs with."""
    return job_pb2.JobOptions(
        job_id=job.job_id,
        due_at=job.due_at_ms,
        priority=job.priority,
        attempts=job.max_attempts,
        backoff=from_backoff(job.backoff),
        timeout=job.timeout_ms,
    )


def from_attempt(attempt: Attempt) -> job_pb2.Attempt:
    """One delivery."""
    return job_pb2.Attempt(
        delivery=attempt.delivery,
        worker=attempt.worker,
        started_on=attempt.started_at_ms,
        ended_on=attempt.ended_at_ms,
        outcome=attempt.outcome,
        error=attempt.error,
        stack=attempt.stack,
    )


def from_log_line(line: LogLine) -> job_pb2.LogLine:
    """One line a handler wrote."""
    return job_pb2.LogLine(timestamp=line.at_ms, text=line.text)


def related_of(found: JobDetail) -> list[queue_admin_service_pb2.RelatedJob]:
    """Parent, then children."""
    parents = [found.job.parent] if found.job.parent else []
    related = [(ref, queue_admin_service_pb2.RELATION_PARENT) for ref in parents]
    related += [(ref, queue_admin_service_pb2.RELATION_CHILD) for ref in found.children]
    return [
        queue_admin_service_pb2.RelatedJob(queue=ref.queue, id=ref.job_id, relation=relation)
        for ref, relation in related
    ]


def from_error_group(group: ErrorGroup) -> queue_admin_service_pb2.ErrorGroup:
    """One group of failed jobs."""
    return queue_admin_service_pb2.ErrorGroup(
        id=group.group_id,
        name=group.name,
        error_class=group.error_class,
        line=group.line,
        count=group.count,
        first_seen=group.first_seen_ms,
        last_seen=group.last_seen_ms,
        dead=group.dead,
    )


def from_counts(counts: QueueCounts, *, minutes: list[Minute], workers: int) -> job_pb2.Queue:
    """A queue's overview row."""
    totals = counts.totals
    return job_pb2.Queue(
        name=counts.name,
        waiting=counts.waiting,
        active=counts.active,
        delayed=counts.delayed,
        completed=counts.completed,
        failed=counts.failed,
        dead=counts.dead,
        paused=counts.paused,
        paused_by=counts.paused_by,
        paused_reason=counts.paused_reason,
        paused_at=counts.paused_at_ms,
        completed_total=totals.get("completed", 0),
        failed_total=totals.get("failed", 0) + totals.get("cancelled", 0),
        oldest_waiting_ms=counts.oldest_waiting_ms,
        workers=workers,
        minutes=[
            job_pb2.QueueMinute(timestamp=m.at_ms, added=m.added, completed=m.completed, failed=m.failed)
            for m in minutes
        ],
    )


def pagination(page: int, page_size: int, total: int) -> job_pb2.Pagination:
    """Which page of how many; nothing at all is no page."""
    return job_pb2.Pagination(page=page, page_size=page_size, total=total, total_pages=math.ceil(total / page_size))


def as_json(data: bytes) -> bytes:
    """The bytes when they are JSON; otherwise their text as a JSON string, so that one bad job never spoils a page."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return orjson.dumps(data.decode("utf-8", "replace"))
    return data

"""What happened to a job, in order: its deliveries and what people did, told in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api_gateway.dashboard import formatting
from jobqueue.audit.v1 import audit_service_pb2 as audit
from jobqueue.queue.v1 import job_pb2

OUTCOMES = {
    "completed": "Completed",
    "failed": "Failed",
    "retried": "Failed, to be tried again",
    "deferred": "Put off: a dependency was away",
    "released": "Given back without an attempt counted",
    "lost": "Lost: its worker died or froze",
    "cancelled": "Interrupted by a cancel",
    "running": "Running",
}
DEEDS = {
    audit.AUDIT_ACTION_RETRY: "Retried",
    audit.AUDIT_ACTION_REMOVE: "Removed",
    audit.AUDIT_ACTION_CANCEL: "Cancel asked for",
    audit.AUDIT_ACTION_REPLACE: "Replaced",
    audit.AUDIT_ACTION_ENQUEUE: "Enqueued by hand",
    audit.AUDIT_ACTION_CANCEL_OUTCOME: "Cancel came to its end",
    audit.AUDIT_ACTION_RESCHEDULE: "Rescheduled",
    audit.AUDIT_ACTION_PAUSE: "Queue paused",
    audit.AUDIT_ACTION_RESUME: "Queue resumed",
    audit.AUDIT_ACTION_DRAIN: "Worker drained",
    audit.AUDIT_ACTION_RESUME_WORKER: "Worker resumed",
}
WORDS = {number: name.removeprefix("AUDIT_ACTION_").lower() for name, number in audit.AuditAction.items()}


@dataclass(frozen=True, slots=True)
class Moment:
    """One event. `tone`: plain, good, bad or deed (a person's)."""

    at_ms: int
    tone: str
    title: str
    detail: str = ""
    by: str = ""


def timeline(job: job_pb2.Job, attempts: Iterable[job_pb2.Attempt], records: Iterable[audit.Entry]) -> list[Moment]:
    """All events, oldest first."""
    found = [Moment(job.timestamp, "plain", "Enqueued", by=job.owner)]
    for attempt in attempts:
        found += _delivery(attempt)
    found += [
        Moment(record.created_at, "deed", DEEDS.get(record.action, "Changed"), record.reason, record.actor_user_id)
        for record in records
        if record.action != audit.AUDIT_ACTION_ENQUEUE
    ]
    if job.HasField("due_at"):
        found.append(Moment(job.due_at, "plain", "Due"))
    return sorted(found, key=lambda moment: moment.at_ms)


def _delivery(attempt: job_pb2.Attempt) -> Iterator[Moment]:
    yield Moment(attempt.started_on, "plain", f"Delivery {attempt.delivery} started", by=attempt.worker)
    if attempt.HasField("ended_on"):
        took = formatting.duration(max(0, attempt.ended_on - attempt.started_on))
        error = formatting.short(attempt.error, 200)
        tone = {"completed": "good", "failed": "bad", "retried": "bad", "lost": "bad"}.get(attempt.outcome, "plain")
        detail = f"{error} (after {took})" if error else f"after {took}"
        yield Moment(attempt.ended_on, tone, OUTCOMES.get(attempt.outcome, attempt.outcome), detail)

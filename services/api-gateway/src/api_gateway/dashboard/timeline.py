"""What happened to a job, in order: its deliveries and what people did, told in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api_gateway.dashboard import formatting
from api_gateway.dashboard.deeds import deed_of
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
        Moment(record.created_at, "deed", deed_of(record.action).title, record.reason, record.actor_user_id)
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

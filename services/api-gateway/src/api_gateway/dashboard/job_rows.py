"""What a list shows of a job, in the words of its tab."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from api_gateway.dashboard import formatting
from jobqueue.queue.v1 import job_pb2

STATES = {
    job_pb2.JOB_STATE_WAITING: "waiting",
    job_pb2.JOB_STATE_ACTIVE: "active",
    job_pb2.JOB_STATE_DELAYED: "delayed",
    job_pb2.JOB_STATE_COMPLETED: "completed",
    job_pb2.JOB_STATE_FAILED: "failed",
}
NUMBERS = {word: state for state, word in STATES.items()}
PERCENT = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """What a handler reported: a share when it can be seen as one, and the report in short."""

    percent: int | None
    text: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """One line of a list."""

    job: job_pb2.Job
    state: str
    badge: str
    progress: Progress | None
    runtime: str
    """How long it ran, or runs."""

    @property
    def lives_in(self) -> str:
        """The queue it belongs to, also when it is listed among dead letters."""
        return self.job.original_queue or self.job.queue


def job_row(job: job_pb2.Job, now_ms: int) -> JobRow:
    """The line of a job."""
    state = STATES.get(job.status, "unknown")
    return JobRow(job, state, badge_of(job, state), progress_of(job.progress), runtime_of(job, state, now_ms))


def badge_of(job: job_pb2.Job, state: str) -> str:
    """Its state in one word; failed ones are dead or cancelled."""
    if state == "failed":
        return "cancelled" if job.cancelled else "dead" if job.dead else "failed"
    return "cancelling" if state == "active" and job.cancel_requested else state


def runtime_of(job: job_pb2.Job, state: str, now_ms: int) -> str:
    """How long the latest delivery took, or takes by now; empty when there is none."""
    if not job.HasField("processed_on"):
        return ""
    if state == "active":
        return formatting.duration(max(0, now_ms - job.processed_on))
    if state in ("completed", "failed") and job.finished_on >= job.processed_on:
        return formatting.duration(job.finished_on - job.processed_on)
    return ""


def progress_of(document: bytes) -> Progress | None:
    """A number from 0 to 100, or `{"done": 3, "total": 10}`, is a share; anything else is shown as it is."""
    try:
        found = orjson.loads(document) if document else None
    except ValueError:
        return Progress(None, document[:60].decode("utf-8", "replace"))
    if found is None:
        return None
    share = _share(found)
    text = f"{share} %" if share is not None else document.decode("utf-8", "replace")
    return Progress(share, formatting.short(text, 60))


def _share(found: object) -> int | None:
    if isinstance(found, dict):
        done, total = _number(found.get("done")), _number(found.get("total"))
        if done is not None and total:
            return _bounded(done / total * PERCENT)
        found = found.get("percent")
    value = _number(found)
    return _bounded(value) if value is not None and 0 <= value <= PERCENT else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _bounded(value: float) -> int:
    return round(min(PERCENT, max(0, value)))

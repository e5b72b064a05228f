"""Why a job is not running, in one sentence for the people who look after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from jobqueue.queue.v1 import queue_admin_service_pb2
from queue_engine.domain.job import FailureKind, Job, JobDetail, JobState, QueueCounts

WorkerInfo = queue_admin_service_pb2.WorkerInfo
LAST_MS = 253_402_300_799_999  # the end of the year 9999
SAID_CHARACTERS = 200


def is_explained(job: Job) -> bool:
    """Whether there is anything to explain: it waits, is delayed, or runs though its cancel was asked for."""
    return job.state in (JobState.WAITING, JobState.DELAYED) or (job.state is JobState.ACTIVE and job.cancel_requested)


def explain(found: JobDetail, queue: QueueCounts, workers: Sequence[WorkerInfo]) -> str:
    """The sentence for a job that is_explained; `queue` is the job's own, `workers` are all that live."""
    job = found.job
    blocked = _blocked(job, queue, workers)
    if job.state is JobState.ACTIVE:
        return f"Its cancel was asked for: its handler on worker {job.worker} is being interrupted."
    if job.state is JobState.DELAYED:
        return _delayed(job) + (f", but {blocked}." if blocked else ".")
    if blocked:
        return f"{blocked[0].upper()}{blocked[1:]}."
    return _in_line(job, found.ahead or 0)


def _blocked(job: Job, queue: QueueCounts, workers: Sequence[WorkerInfo]) -> str:
    """What keeps every worker from taking it; empty when nothing does."""
    if queue.paused:
        why = f": {_said(queue.paused_reason)}" if queue.paused_reason else ""
        return f"the queue has been paused by {queue.paused_by} since {_at(queue.paused_at_ms)}{why}"
    serving = [worker for worker in workers if job.queue in worker.queues]
    if not serving:
        return f"no live worker serves the queue {job.queue}"
    able = [worker for worker in serving if job.name in worker.job_types]
    if not able:
        return f"no live worker can run jobs of the type {job.name}"
    if all(worker.draining for worker in able):
        return "every worker that can run it is draining"
    return ""


def _delayed(job: Job) -> str:
    due = f"at {_at(job.due_at_ms)}"
    if job.deferred_since_ms is not None:
        limited = job.failure_kind is FailureKind.RATE_LIMITED
        cause = "A rate limit is reached" if limited else "A dependency is down"
        return f"{cause} ({_said(job.failed_reason)}); it is tried again {due}"
    if job.attempts_made and job.failed_reason:
        failed = f"Attempt {job.attempts_made} of {job.max_attempts} failed ({_said(job.failed_reason)})"
        return f"{failed}; the next one is due {due}"
    return f"It is due {due}"


def _in_line(job: Job, ahead: int) -> str:
    if job.lost_leases:
        lost = "once" if job.lost_leases == 1 else f"{job.lost_leases} times in a row"
        turn = f"after {ahead} other such job{'s' * (ahead > 1)}" if ahead else "as the next of such jobs"
        return f"Its worker was lost {lost}: it is tried alone, {turn}."
    if ahead:
        return f"{ahead} job{'s are' if ahead > 1 else ' is'} taken before it."
    return "It is the next to be taken, as soon as a worker has a free thread."


def _at(ms: int | None) -> str:
    return f"{datetime.fromtimestamp(min(ms or 0, LAST_MS) / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _said(text: str | None) -> str:
    """The first line of somebody else's words, cut, to stand inside a sentence."""
    line = next((line.strip() for line in (text or "").splitlines() if line.strip()), "no reason was given")
    return (line[: SAID_CHARACTERS - 1] + "…" if len(line) > SAID_CHARACTERS else line).rstrip(".")

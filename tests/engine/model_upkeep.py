"""What a queue is to the model, how it is read, and what time and retention do to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from engine.model_job import Failure, Grave, ModelJob
from queue_engine.domain.job import JobState, Retention

LOST_LIMIT = 3


@dataclass(slots=True)
class Upkeep:
    """A queue as it is, and what becomes of it without a worker or a person."""

    now: int
    retention: Retention
    lines: dict[str, str]  # the line of the error group that each reason belongs to
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    graves: dict[str, Grave] = field(default_factory=dict)
    arrivals: int = 0
    paused: bool = False
    totals: Counter[str] = field(default_factory=Counter)
    audit: list[tuple[str, str]] = field(default_factory=list)  # (action, job id) of what is not shipped yet

    def advance(self, ms: int) -> None:
        self.now += ms
        self.graves = {job_id: grave for job_id, grave in self.graves.items() if grave.until > self.now}

    # -- upkeep

    def reap(self) -> int:
        expired = [i for i in self.in_state(JobState.ACTIVE) if self.jobs[i].lease_until <= self.now]
        expired.sort(key=lambda i: (self.jobs[i].lease_until, i))
        for job_id in expired:
            job = self.jobs[job_id]
            self.totals["lost"] += 1
            if job.cancel_reason is not None:
                self._honour_cancel(job_id)
                continue
            job.lost += 1
            job.state = JobState.WAITING
            if job.lost == LOST_LIMIT:
                self._bury(job, ("WorkerLost", "its worker was lost <number> times in a row"), "worker_lost")
        return len(expired)

    def promote(self) -> int:
        due = [job_id for job_id in self.in_state(JobState.DELAYED) if (self.jobs[job_id].due or 0) <= self.now]
        for job_id in due:
            self._arrive(self.jobs[job_id])
        return len(due)

    def prune(self) -> int:
        r = self.retention
        pruned = self._trim(JobState.COMPLETED, r.completed_count, r.completed_ms)
        pruned += self._trim(JobState.FAILED, r.cancelled_count, r.cancelled_ms)
        return pruned + self._discard()

    def _trim(self, state: JobState, keep: int, age_ms: int | None = None) -> int:
        """By count, or when that takes nothing, by age; dead jobs are never taken."""
        oldest = [i for i in reversed(self.in_state(state)) if state is JobState.COMPLETED or self.jobs[i].cancelled]
        gone = oldest[: max(0, len(oldest) - keep)]
        if not gone and age_ms is not None:
            gone = [job_id for job_id in oldest if (self.jobs[job_id].ended or 0) < self.now - age_ms]
        return self._forget(gone)

    def _discard(self) -> int:
        """The oldest dead jobs beyond their number, each with a record."""
        dead = [job_id for job_id in reversed(self.in_state(JobState.FAILED)) if self.is_dead(job_id)]
        gone = dead[: max(0, len(dead) - self.retention.dead_count)]
        self.audit += [("discard", job_id) for job_id in gone]
        self.totals["discarded"] += len(gone)
        return self._forget(gone)

    def _forget(self, gone: list[str]) -> int:
        for job_id in gone:
            job = self.jobs.pop(job_id)
            until = (job.ended or 0) + self.retention.dedup_ms
            if until > self.now:
                self.graves[job_id] = Grave(job.meaning, job.state, until)
        self.totals["pruned"] += len(gone)
        return len(gone)

    # -- readers

    def is_dead(self, job_id: str) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and job.state is JobState.FAILED and not job.cancelled

    def in_state(self, state: JobState) -> list[str]:
        """In the order in which people see them."""
        ids = [job_id for job_id, job in self.jobs.items() if job.state is state]
        match state:
            case JobState.WAITING:
                return sorted(ids, key=lambda i: (not self.jobs[i].lost, self.jobs[i].rank))
            case JobState.ACTIVE:
                return sorted(ids, key=lambda i: self.jobs[i].token)
            case JobState.DELAYED:
                return sorted(ids, key=lambda i: (self.jobs[i].due or 0, i))
            case _:
                return sorted(ids, key=lambda i: (self.jobs[i].ended or 0, i), reverse=True)

    # -- the ways of a job

    def _arrive(self, job: ModelJob) -> None:
        self.arrivals += 1
        job.state, job.rank, job.due = JobState.WAITING, (job.priority, self.arrivals), None

    def _bury(self, job: ModelJob, failure: Failure, kind: str) -> None:
        job.state, job.ended, job.failure = JobState.FAILED, self.now, failure
        self.totals.update(("failed", f"failed:{kind}"))

    def _honour_cancel(self, job_id: str) -> None:
        job = self.jobs[job_id]
        if job.cancel_reason is not None:
            self.audit.append(("cancel_outcome", job_id))
        self._cancel(job, job.cancel_reason or "")

    def _cancel(self, job: ModelJob, reason: str) -> None:
        job.state, job.due, job.ended, job.cancelled = JobState.FAILED, None, self.now, True
        job.failure = ("", self.lines[reason])
        self.totals.update(("cancelled", "failed:cancelled"))

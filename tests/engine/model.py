"""What a queue should do, as plain Python: the judge of the functions on the real store.

One rule per event and nothing about keys, batches or speed. Time is what the test lets pass: a lease ends, a delay is
over.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from queue_engine.domain.job import JobState

LOST_LIMIT = 3


@dataclass(slots=True)
class ModelJob:
    """One job. `rank` is its place among the waiting: priority, then order of arrival."""

    data: str
    priority: int
    attempts: int
    state: JobState
    rank: tuple[int, int] = (0, 0)
    attempts_made: int = 0
    lost: int = 0
    worker: str = ""
    cancel_requested: bool = False
    cancelled: bool = False
    runs: int = 0
    delayed_at: int = 0
    failure: tuple[str, str] = ("", "")  # class and normalised line of what it failed with


@dataclass(slots=True)
class Model:
    """A queue. Every method does what the engine's method of that name promises."""

    jobs: dict[str, ModelJob] = field(default_factory=dict)
    arrivals: int = 0
    paused: bool = False
    totals: Counter[str] = field(default_factory=Counter)

    def enqueue(self, job_id: str, data: str, *, priority: int, delayed: bool, attempts: int) -> str:
        """`created`, `known` or `conflict`."""
        known = self.jobs.get(job_id)
        if known is not None:
            return "known" if known.data == data else "conflict"
        self._write(job_id, ModelJob(data, priority, attempts, JobState.WAITING), delayed=delayed)
        self.totals["added"] += 1
        return "created"

    def replace(self, job_id: str, data: str, *, priority: int, delayed: bool, attempts: int) -> str:
        """`created`, `replaced` or `refused`."""
        known = self.jobs.get(job_id)
        if known is None:
            return self.enqueue(job_id, data, priority=priority, delayed=delayed, attempts=attempts)
        if known.state is JobState.ACTIVE:
            return "refused"
        self._write(job_id, ModelJob(data, priority, attempts, JobState.WAITING, runs=known.runs), delayed=delayed)
        self.totals["replaced"] += 1
        return "replaced"

    def take(self, worker: str, want: int) -> list[str]:
        """A suspect alone if the worker runs none, else the first of the others in order."""
        if self.paused or not want:
            return []
        waiting = sorted(self.in_state(JobState.WAITING), key=lambda job_id: self.jobs[job_id].rank)
        suspects = [job_id for job_id in waiting if self.jobs[job_id].lost]
        tries_one = any(job.worker == worker and job.lost for job in self._active())
        chosen = suspects[:1] if suspects and not tries_one else [i for i in waiting if not self.jobs[i].lost][:want]
        for job_id in chosen:
            job = self.jobs[job_id]
            job.state, job.worker, job.runs = JobState.ACTIVE, worker, job.runs + 1
        self.totals["started"] += len(chosen)
        return chosen

    def complete(self, job_id: str) -> None:
        job = self.jobs[job_id]
        job.state, job.lost, job.attempts_made = JobState.COMPLETED, 0, job.attempts_made + 1
        self.totals["completed"] += 1

    def fail(self, job_id: str, line: str, *, retry: bool) -> None:
        job = self.jobs[job_id]
        job.lost, job.attempts_made = 0, job.attempts_made + 1
        if job.cancel_requested:
            self._cancel(job)
        elif retry and job.attempts_made < job.attempts:
            job.state = JobState.DELAYED
            self.totals.update(("retried", "failed:exception"))
        else:
            job.state = JobState.FAILED
            job.failure = ("ValueError", line)
            self.totals.update(("failed", "failed:exception"))

    def defer(self, job_id: str) -> None:
        job = self.jobs[job_id]
        job.lost = 0
        if job.cancel_requested:
            self._cancel(job)
        else:
            job.state = JobState.DELAYED
            self.totals["deferred"] += 1

    def release(self, job_id: str, *, begun: bool) -> None:
        job = self.jobs[job_id]
        job.lost = 0 if begun else job.lost
        if job.cancel_requested:
            self._cancel(job)
            return
        job.state = JobState.WAITING
        self.totals["released"] += 1

    def interrupt(self, job_id: str) -> None:
        self.jobs[job_id].lost = 0
        self._cancel(self.jobs[job_id])

    def lose(self, job_id: str) -> None:
        """The lease ended without a word."""
        job = self.jobs[job_id]
        self.totals["lost"] += 1
        if job.cancel_requested:
            self._cancel(job)
            return
        job.lost += 1
        job.state = JobState.FAILED if job.lost == LOST_LIMIT else JobState.WAITING
        if job.lost == LOST_LIMIT:
            job.failure = ("WorkerLost", "its worker was lost <number> times in a row")
            self.totals.update(("failed", "failed:worker_lost"))

    def fall_due(self, job_id: str) -> None:
        self._to_waiting(self.jobs[job_id])

    def cancel(self, job_id: str) -> str:
        """`cancelled`, `requested` or `refused`."""
        job = self.jobs[job_id]
        if job.state is JobState.ACTIVE:
            job.cancel_requested = True
            return "requested"
        if job.state in (JobState.COMPLETED, JobState.FAILED):
            return "refused"
        self._cancel(job)
        return "cancelled"

    def reschedule(self, job_id: str, due: int) -> str:
        """`changed`, `unchanged` or `refused`; `due` 0 is now."""
        job = self.jobs[job_id]
        if job.state not in (JobState.WAITING, JobState.DELAYED):
            return "refused"
        if due:
            same = job.state is JobState.DELAYED and job.delayed_at == due
            job.state, job.delayed_at = JobState.DELAYED, due
            return "unchanged" if same else "changed"
        if job.state is JobState.WAITING:
            return "unchanged"
        self._to_waiting(job)
        return "changed"

    def retry(self, job_id: str) -> bool:
        job = self.jobs[job_id]
        if job.state is not JobState.FAILED:
            return False
        job.attempts_made, job.lost, job.cancel_requested, job.cancelled = 0, 0, False, False
        self._to_waiting(job)
        self.totals["manual_retries"] += 1
        return True

    def remove(self, job_id: str) -> bool:
        if self.jobs[job_id].state is JobState.ACTIVE:
            return False
        del self.jobs[job_id]
        self.totals["removed"] += 1
        return True

    def groups(self) -> Counter[tuple[bool, str, str]]:
        """Failed jobs by the way they failed."""
        failed = [self.jobs[job_id] for job_id in self.in_state(JobState.FAILED)]
        return Counter((job.cancelled, *job.failure) for job in failed)

    def in_state(self, state: JobState) -> list[str]:
        return [job_id for job_id, job in self.jobs.items() if job.state is state]

    def _active(self) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.state is JobState.ACTIVE]

    def _cancel(self, job: ModelJob) -> None:
        job.state, job.cancelled, job.failure = JobState.FAILED, True, ("", "Manually cancelled")
        self.totals.update(("cancelled", "failed:cancelled"))

    def _write(self, job_id: str, job: ModelJob, *, delayed: bool) -> None:
        self.jobs[job_id] = job
        if delayed:
            job.state = JobState.DELAYED
        else:
            self._to_waiting(job)

    def _to_waiting(self, job: ModelJob) -> None:
        self.arrivals += 1
        job.state, job.rank, job.delayed_at = JobState.WAITING, (job.priority, self.arrivals), 0

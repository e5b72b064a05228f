"""What a queue should do, as plain Python: the judge of the functions on the real store.

One rule per event and nothing about keys, batches or speed. Time is a number that the test moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.model_job import ModelJob
from engine.model_upkeep import Upkeep
from queue_engine.domain.job import IfExists, JobState, NewJob
from queue_engine.domain.lease import Completed, Deferred, Failed, Interrupted, Lease, Outcome, Released


@dataclass(slots=True)
class Model(Upkeep):
    """A queue. Every method does what the engine's method of that name promises."""

    # -- enqueue

    def enqueue(self, new: NewJob, *, by_person: bool) -> str:
        """`created`, `replaced`, `known`, `conflict`, `refused` (it runs) or `foreign` (another's)."""
        known, grave = self.jobs.get(new.job_id), self.graves.get(new.job_id)
        if known is None and grave is not None and new.if_exists is IfExists.RETURN:
            return "known" if grave.meaning == new.data else "conflict"
        if known is not None:
            if new.if_exists is IfExists.REPLACE_OWN and known.owner != new.owner:
                return "foreign"
            if new.if_exists is IfExists.RETURN:
                return "known" if known.meaning == new.data else "conflict"
            if known.state is JobState.ACTIVE:
                return "refused"
        self.graves.pop(new.job_id, None)
        owner = known.owner if known and by_person else new.owner
        job = ModelJob(new.data, new.data, new.priority, new.attempts, owner)
        job.deliveries = known.deliveries if known else 0
        self.jobs[new.job_id] = job
        self._arrive(job)
        if new.delay_ms:
            job.state, job.due = JobState.DELAYED, self.now + new.delay_ms
        self.totals["replaced" if known else "added"] += 1
        if by_person:
            self.audit.append(("replace" if known else "enqueue", new.job_id))
        return "replaced" if known else "created"

    # -- workers

    def holds(self, worker: str, lease: Lease) -> bool:
        job = self.jobs.get(lease.job_id)
        return job is not None and job.state is JobState.ACTIVE and (job.worker, job.token) == (worker, lease.token)

    def settle(
        self, worker: str, reports: Sequence[tuple[Lease, Outcome]], want: int, lease_ms: int
    ) -> tuple[list[bool], list[str]]:
        """Whether each report was the holder's, and what was taken. In order: settle, trim, reap, promote, take."""
        settled = []
        for lease, outcome in reports:
            settled.append(self.holds(worker, lease))
            if settled[-1]:
                self._end(lease.job_id, outcome)
            else:
                self.totals["stale"] += 1
        if reports:
            self._trim(JobState.COMPLETED, self.retention.completed_count)
            self._trim(JobState.FAILED, self.retention.cancelled_count)
        self.reap()
        self.promote()
        return settled, self._take(worker, want, lease_ms)

    def renew(self, job_id: str, lease_ms: int) -> None:
        self.jobs[job_id].lease_until = self.now + lease_ms

    def reclaim(self, worker: str, known: Iterable[int]) -> int:
        """Give back what the worker does not know that it holds."""
        unknown = [job_id for job_id in self.in_state(JobState.ACTIVE) if self.jobs[job_id].worker == worker]
        unknown = [job_id for job_id in unknown if self.jobs[job_id].token not in set(known)]
        for job_id in unknown:
            self._give_back(job_id, begun=False)
        return len(unknown)

    def _take(self, worker: str, want: int, lease_ms: int) -> list[str]:
        """A suspect alone if the worker runs none, else the first of the others in order."""
        if self.paused or not want:
            return []
        waiting = self.in_state(JobState.WAITING)
        suspects = [job_id for job_id in waiting if self.jobs[job_id].lost]
        active = [self.jobs[job_id] for job_id in self.in_state(JobState.ACTIVE)]
        tries_one = any(job.worker == worker and job.lost for job in active)
        chosen = suspects[:1] if suspects and not tries_one else [i for i in waiting if not self.jobs[i].lost][:want]
        for job_id in chosen:
            job = self.jobs[job_id]
            job.state, job.worker, job.lease_until = JobState.ACTIVE, worker, self.now + lease_ms
            job.deliveries += 1
        self.totals["started"] += len(chosen)
        return chosen

    def _end(self, job_id: str, outcome: Outcome) -> None:
        job = self.jobs[job_id]
        if isinstance(outcome, Released):
            self._give_back(job_id, begun=outcome.begun)
            return
        job.lost = 0
        if isinstance(outcome, Completed):
            job.state, job.ended, job.attempts_made = JobState.COMPLETED, self.now, job.attempts_made + 1
            self.totals["completed"] += 1
            if job.cancel_reason is not None:
                self.audit.append(("cancel_outcome", job_id))
            return
        if isinstance(outcome, Failed):
            job.attempts_made, job.deferred_since = job.attempts_made + 1, None
        if isinstance(outcome, Interrupted) or job.cancel_reason is not None:
            self._honour_cancel(job_id)
        elif isinstance(outcome, Deferred):
            self._defer(job, outcome)
        else:
            self._fail(job, outcome)

    def _fail(self, job: ModelJob, outcome: Failed) -> None:
        if outcome.retry_delay_ms is None or job.attempts_made >= job.attempts:
            self._bury(job, (outcome.error_class, self.lines[outcome.reason]), "exception")
            return
        job.state, job.due = JobState.DELAYED, self.now + outcome.retry_delay_ms
        self.totals.update(("retried", "failed:exception"))

    def _defer(self, job: ModelJob, outcome: Deferred) -> None:
        if job.deferred_since is None:
            job.deferred_since = self.now
        if outcome.max_age_ms is not None and self.now - job.deferred_since > outcome.max_age_ms:
            self._bury(job, ("", self.lines[outcome.reason]), "dependency")
            return
        job.state, job.due = JobState.DELAYED, self.now + outcome.delay_ms
        self.totals["deferred"] += 1

    def _give_back(self, job_id: str, *, begun: bool) -> None:
        job = self.jobs[job_id]
        job.lost = 0 if begun else job.lost
        if job.cancel_reason is not None:
            self._honour_cancel(job_id)
            return
        job.state = JobState.WAITING
        job.deliveries -= 0 if begun else 1
        self.totals["released"] += 1

    # -- people

    def cancel(self, job_id: str, reason: str) -> str:
        """`cancelled`, `requested` or `refused`."""
        job = self.jobs[job_id]
        if job.state in (JobState.COMPLETED, JobState.FAILED):
            return "refused"
        self.audit.append(("cancel", job_id))
        if job.state is JobState.ACTIVE:
            job.cancel_reason = reason if job.cancel_reason is None else job.cancel_reason
            return "requested"
        self._cancel(job, reason)
        return "cancelled"

    def reschedule(self, job_id: str, due: int | None) -> str:
        """`changed`, `unchanged` or `refused`; a time that is not in the future means now."""
        job = self.jobs[job_id]
        if job.state not in (JobState.WAITING, JobState.DELAYED):
            return "refused"
        due = due if due is not None and due > self.now else None
        if due == job.due:
            return "unchanged"
        self.audit.append(("reschedule", job_id))
        if due is None:
            self._arrive(job)
        else:
            job.state, job.due = JobState.DELAYED, due
        return "changed"

    def retry(self, job_id: str, data: bytes | None = None) -> bool:
        job = self.jobs.get(job_id)
        if job is None or job.state is not JobState.FAILED:
            return False
        job.data = data or job.data
        job.attempts_made, job.lost, job.deferred_since, job.ended = 0, 0, None, None
        job.cancel_reason, job.cancelled = None, False
        self._arrive(job)
        self.totals["manual_retries"] += 1
        self.audit.append(("retry", job_id))
        return True

    def remove(self, job_id: str) -> bool:
        if job_id not in self.jobs or self.jobs[job_id].state is JobState.ACTIVE:
            return False
        del self.jobs[job_id]
        self.totals["removed"] += 1
        self.audit.append(("remove", job_id))
        return True

    def may_cancel(self, job_id: str) -> bool:
        """Many at once leave out those that were asked to stop already."""
        return self.jobs[job_id].cancel_reason is None

    def pause(self, *, paused: bool) -> bool:
        """Whether that changed anything."""
        if self.paused == paused:
            return False
        self.paused = paused
        self.audit.append(("pause" if paused else "resume", ""))
        return True

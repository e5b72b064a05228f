"""What proving a queue finds: damages, and whether every job that was accepted is accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """The closed set of damages. A repair does what stands behind each."""

    LOST_JOB = "lost_job"  # a job in no index: back to where its state says
    GHOST_ENTRY = "ghost_entry"  # an index entry without a job: removed
    WRONG_INDEX = "wrong_index"  # a job in an index of another state, or not in all of its own: moved
    UNREADABLE_JOB = "unreadable_job"  # no job, or in no state there is: set aside as dead with its bytes
    UNREADABLE_INDEX = "unreadable_index"  # something else at its key: removed, and made anew from the jobs
    GROUP_DRIFT = "group_drift"  # an error group that does not fit its jobs: made to fit
    COUNTER_DRIFT = "counter_drift"  # jobs that the counters do not account for: counted as `adjusted`
    LEAKED_HISTORY = "leaked_history"  # attempts, log lines or children of a job that is gone: removed
    LEAKED_TOMBSTONE = "leaked_tombstone"  # an id remembered for ever, or beside its job: removed
    LEAKED_TRIAL = "leaked_trial"  # a worker said to run a suspect that it does not run: removed


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage; `job_id` is empty when it is none of a single job's."""

    kind: FindingKind
    job_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Balance:
    """accepted + adjusted = waiting + active + delayed + completed + failed + removed + replaced + pruned, in a queue
    that is whole. `adjusted` is what earlier repairs had to correct: 0 in a queue that was never damaged.
    """

    added: int
    replaced: int
    adjusted: int
    waiting: int
    active: int
    delayed: int
    completed: int
    failed: int
    removed: int
    pruned: int

    @property
    def accepted(self) -> int:
        """Jobs ever accepted, each replacement counted as one more."""
        return self.added + self.replaced

    @property
    def missing(self) -> int:
        """Jobs that were accepted and are nowhere; negative when there are more than were accepted."""
        there = self.waiting + self.active + self.delayed + self.completed + self.failed
        return self.accepted + self.adjusted - there - self.removed - self.replaced - self.pruned


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One stretch of a proof. `next` tells where to go on, None at the end; then there is a balance."""

    findings: tuple[Finding, ...]
    looked_at: int
    next: str | None
    balance: Balance | None

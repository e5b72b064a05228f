"""Bulk actions: which jobs are meant, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from queue_engine.domain.error_group import check_group_id, holds_dead
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import Job, JobState

CANCELLING = "its cancel was asked for already"


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a bulk call means; given bounds must all hold. `ids` narrows to these ids."""

    state: JobState = JobState.FAILED
    name: str | None = None
    error_contains: str | None = None
    finished_before_ms: int | None = None
    finished_after_ms: int | None = None
    ids: tuple[str, ...] | None = None
    dead_only: bool = False
    limit: int = 1_000
    group: str | None = None  # an error group, of failed jobs
    accepted_before_ms: int | None = None
    uncancelled: bool = False  # leaves out running jobs whose cancel was asked for

    @property
    def index(self) -> str:
        """The narrowest index that holds every job meant."""
        if self.group is not None:
            return f"g:{self.group}"
        return "dead" if self.dead_only else self.state.value

    @property
    def is_empty(self) -> bool:
        """No job can be meant: a group of cancelled jobs holds no dead ones."""
        return self.group is not None and self.dead_only and not holds_dead(self.group)

    def check_group(self) -> None:
        """Raise InvalidArgument for a group that is malformed or makes no sense for the state."""
        if self.group is None:
            return
        check_group_id(self.group)
        if self.state is not JobState.FAILED:
            raise InvalidArgument("group", "needs the status failed")

    def mismatch(self, job: Job | None) -> str | None:
        """Why the filter does not mean `job`; None when it does."""
        if job is None:
            return "job not found"
        if job.state is not self.state or (self.dead_only and not job.dead):
            return f"is {job.state}"
        if self.uncancelled and job.cancel_requested:
            return CANCELLING
        finished, accepted = job.finished_at_ms, self.accepted_before_ms
        after, before = self.finished_after_ms, self.finished_before_ms
        meets = (
            self.name in (None, job.name),
            self.group in (None, job.group),
            self.error_contains is None or self.error_contains in (job.failed_reason or ""),
            after is None or (finished is not None and finished >= after),
            before is None or (finished is not None and finished < before),
            accepted is None or job.created_at_ms < accepted,
        )
        return None if all(meets) else "does not meet the filter"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """`matched` jobs met the filter, `done` were changed, `skipped` names the rest and why. A dry run changes none."""

    matched: int
    done: int
    skipped: tuple[tuple[str, str], ...]

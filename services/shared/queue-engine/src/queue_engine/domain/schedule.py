"""What a schedule is, and what is to be done when it is due. All times are ms since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from queue_engine.domain.backoff import Backoff
from queue_engine.domain.job_type import EnqueueOptions
from queue_engine.domain.recurrence import Recurrence

LATE_MS = 60_000
"""How late a run of CatchUp.SKIP may be: longer than a restart, shorter than an outage."""

MAX_SCHEDULES = 200
"""Per queue: keeps a list of them within one short call."""


class CatchUp(StrEnum):
    """What becomes of run times that passed while nothing could run them: the latest is run, or none that is late."""

    ONE = "one"
    SKIP = "skip"


class RunOutcome(StrEnum):
    """What a run came to: it made its job, found it there, could not make one, or was left out because it was late."""

    ENQUEUED = "enqueued"
    KNOWN = "known"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """What a person says about a schedule. `{date}` and `{dueAt}` in `data` stand for the day and the time of a run, in
    its time zone; options that are None are the job type's.
    """

    schedule_id: str
    name: str
    data: bytes
    recurrence: Recurrence
    catch_up: CatchUp = CatchUp.ONE
    priority: int | None = None
    attempts: int | None = None
    backoff: Backoff | None = None
    timeout_ms: int | None = None

    def data_at(self, due_ms: int) -> bytes:
        """The data of the job that is due then. In JSON a brace before a letter can only stand within a text."""
        data = self.data.replace(b"{date}", self.recurrence.local_date(due_ms).encode())
        return data.replace(b"{dueAt}", self.recurrence.local_time(due_ms).encode())

    def options(self, job_id: str) -> EnqueueOptions:
        """What its job is enqueued with."""
        return EnqueueOptions(
            job_id=job_id,
            priority=self.priority,
            attempts=self.attempts,
            backoff=self.backoff,
            timeout_ms=self.timeout_ms,
        )

    def job_id_at(self, due_ms: int) -> str:
        """The id of the job that is due then: the same whoever makes it, `nightly:20261126T060000Z`."""
        moment = datetime.fromtimestamp(due_ms // 1_000, UTC)
        part = f".{due_ms % 1_000:03}" if due_ms % 1_000 else ""
        return f"{self.schedule_id}:{moment:%Y%m%dT%H%M%S}{part}Z"


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """One run. `due_ms` is None and `run_by` given when somebody ran it by hand; `missed`: how many it stood for."""

    ran_at_ms: int
    outcome: RunOutcome
    due_ms: int | None = None
    job_id: str | None = None
    problem: str | None = None
    missed: int = 0
    run_by: str | None = None


@dataclass(frozen=True, slots=True)
class DueRun:
    """What to do about a schedule that is due: run it for `due_ms`, or skip that, then wait for `following_ms`."""

    due_ms: int
    following_ms: int
    missed: int
    skipped: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it is in the store. `revision` is another with every change by people, and unique in the queue."""

    queue: str
    spec: ScheduleSpec
    revision: int
    next_run_ms: int | None  # None while it is paused
    created_by: str
    created_at_ms: int
    updated_by: str
    updated_at_ms: int
    paused_by: str | None = None
    paused_reason: str | None = None
    paused_at_ms: int | None = None
    last_run: ScheduleRun | None = None
    last_due_ms: int = 0  # what was run or skipped is never run again
    runs: int = 0
    failed: int = 0
    missed: int = 0

    @property
    def paused(self) -> bool:
        """It makes no jobs."""
        return self.next_run_ms is None

    @property
    def is_failing(self) -> bool:
        """Its latest run made no job although it should."""
        return self.last_run is not None and self.last_run.outcome is RunOutcome.FAILED

    def upcoming(self, now_ms: int) -> int:
        """When it is due next, counted from now; later than anything it was run for."""
        return self.spec.recurrence.next_after(max(now_ms, self.last_due_ms))

    def due_run(self, now_ms: int) -> DueRun:
        """What to do now; it is due. Of several run times that passed only the latest can be run."""
        due, missed = self.spec.recurrence.latest(self.next_run_ms or now_ms, now_ms)
        skipped = self.spec.catch_up is CatchUp.SKIP and now_ms - due > LATE_MS
        return DueRun(due, self.spec.recurrence.next_after(max(now_ms, due)), missed, skipped)

    def overdue_ms(self, now_ms: int) -> int:
        """How long it should have run already."""
        return max(0, now_ms - self.next_run_ms) if self.next_run_ms is not None else 0

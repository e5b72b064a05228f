"""A worker's side of a job: the lease it holds and the outcome it reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from queue_engine.domain.backoff import Backoff
from queue_engine.domain.job import FailureKind


class Lease(NamedTuple):
    """One worker's time-limited right to run one delivery of one job; `token` is the fencing number.

    A tuple: a frozen dataclass takes several times as long to make.
    """

    queue: str
    job_id: str
    token: int
    name: str
    data: bytes
    options: bytes
    attempts_made: int
    max_attempts: int
    deliveries: int
    backoff: Backoff
    timeout_ms: int
    created_at_ms: int
    suspect: bool  # a lease of it was lost before with no report since: run it alone


@dataclass(frozen=True, slots=True)
class Completed:
    """The handler returned; `value` is JSON or empty."""

    value: bytes = b""


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler failed. Retried after `retry_delay_ms` while attempts remain, unless that is None (dead at once)."""

    reason: str
    error_class: str
    stack: str
    kind: FailureKind = FailureKind.EXCEPTION
    retry_delay_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """A dependency is away: wait `delay_ms`, count nothing; past the job's maximum age it is dead with this reason."""

    reason: str
    delay_ms: int
    kind: FailureKind = FailureKind.DEPENDENCY
    max_age_ms: int | None = None  # a tighter bound than the job's own, counted from the first such report


@dataclass(frozen=True, slots=True)
class Released:
    """Given back unfinished after the handler really stopped, or never begun; nothing is burnt."""

    begun: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The handler ended because its cancel was asked for; the job becomes cancelled."""


Outcome = Completed | Failed | Deferred | Released | Interrupted


Report = tuple[Lease, Outcome]
"""An outcome for a lease. Any pair of them: even a named tuple takes twice as long to make."""


class Verdict(StrEnum):
    """What became of a report. A stale one (token or worker not the holder's) changed nothing."""

    SETTLED = "settled"
    STALE = "stale"


class Renewal(StrEnum):
    """What a renewal found."""

    RENEWED = "renewed"
    CANCEL_REQUESTED = "cancel_requested"  # renewed too
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Settled:
    """Answer of settle_jobs: a verdict per report in order, the jobs taken, ms to the next delayed job or None."""

    verdicts: tuple[Verdict, ...]
    leases: tuple[Lease, ...]
    next_due_ms: int | None
    paused: bool

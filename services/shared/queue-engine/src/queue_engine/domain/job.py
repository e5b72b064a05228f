"""What a job is: its states, what a caller hands over and what a reader sees. All times are ms since the epoch."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff

DEAD_LETTER_QUEUE = "dead-letter"
"""Name of the view over every queue's dead jobs; no job lives in it."""


class JobState(StrEnum):
    """Where a job is; there are no others."""

    WAITING = "waiting"
    ACTIVE = "active"
    DELAYED = "delayed"
    COMPLETED = "completed"
    FAILED = "failed"


class FailureKind(StrEnum):
    """Why an attempt or a job failed: the closed set behind the `reason` label of queue_failures_total."""

    EXCEPTION = "exception"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    PAYLOAD_INVALID = "payload_invalid"
    ACTOR_UNKNOWN = "actor_unknown"
    CANCELLED = "cancelled"
    DEPENDENCY = "dependency"
    RATE_LIMITED = "rate_limited"
    OTHER = "other"


class IfExists(StrEnum):
    """What an enqueue does when its id is known already."""

    RETURN = "return"
    REPLACE = "replace"
    REPLACE_OWN = "replace_own"  # only a job of the same owner; another's is not found


@dataclass(frozen=True, slots=True)
class Retention:
    """How long finished jobs are kept; whichever bound is reached first.

    Dead jobs wait for somebody however old they are; beyond their bounds the oldest are discarded, each with an audit
    record.
    """

    completed_ms: int = 3_600_000
    completed_count: int = 1_000
    cancelled_ms: int = 7 * 86_400_000
    cancelled_count: int = 10_000
    dead_count: int = 100_000
    dead_bytes: int = 256 * 1024**2
    dedup_ms: int = 86_400_000


DEFAULT_RETENTION = Retention()


class Order(StrEnum):
    """From which end of its index a list is read: when jobs are taken, come due or have ended."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class JobRef:
    """Which job is meant, when it may live in another queue."""

    queue: str
    job_id: str

    def __str__(self) -> str:
        return f"{self.queue}:{self.job_id}"

    @classmethod
    def parse(cls, text: str) -> JobRef:
        """From `<queue>:<job id>`."""
        queue, _, job_id = text.partition(":")
        return cls(queue, job_id)


def new_job_id() -> str:
    """A random UUID (version 4, RFC 9562, section 5.4) as text.

    The same as the standard library's, in a third of its time, which would be a tenth of what a job of a batch takes.
    """
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class NewJob(NamedTuple):
    """A job to enqueue. `delay_ms` counts from the store's clock, `due_at_ms` is absolute; at most one is given.

    `data` is one JSON document, kept byte for byte. `options` are the executing framework's own (a JSON object or
    empty), which the engine carries and never reads. `max_age_ms` bounds how long deferring may go on.

    A tuple, as is its answer: a frozen dataclass takes several times as long to make, and batches have many.
    """

    job_id: str
    name: str
    data: bytes
    delay_ms: int | None = None
    due_at_ms: int | None = None
    priority: int = 0  # 0 is taken first; up to 1,000,000
    attempts: int = 3
    backoff: Backoff = DEFAULT_BACKOFF
    timeout_ms: int = 60_000
    max_age_ms: int = 86_400_000
    owner: str = ""  # the enqueuer's `sub`
    if_exists: IfExists = IfExists.RETURN
    request: str = ""  # who replaces by the same request again, with the same data, is answered; empty: a new one
    dedup_ms: int | None = None  # None: the queue's retention decides
    options: bytes = b""
    parent: JobRef | None = None  # the job that enqueues it


class Enqueued(NamedTuple):
    """Answer of an enqueue: what the job's state is now, and whether this call made it."""

    job_id: str
    state: JobState
    created: bool
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A job as lists show it."""

    job_id: str
    queue: str
    name: str
    data: bytes
    state: JobState
    priority: int
    attempts_made: int
    max_attempts: int
    deliveries: int
    lost_leases: int
    created_at_ms: int
    backoff: Backoff
    timeout_ms: int
    owner: str
    options: bytes = b""
    progress: bytes | None = None  # JSON as the handler gave it
    due_at_ms: int | None = None  # delayed only
    processed_at_ms: int | None = None  # start of the latest delivery
    finished_at_ms: int | None = None
    failed_reason: str | None = None  # also the last attempt's error while the job waits for its next
    failure_kind: FailureKind | None = None
    error_class: str | None = None
    dead: bool = False
    cancelled: bool = False
    cancel_requested: bool = False
    return_value: bytes | None = None  # JSON
    worker: str | None = None
    stack: str | None = None
    malformed: bool = False  # quarantined: `data` holds the bytes that could not be read
    group: str | None = None  # id of the error group it failed into
    deferred_since_ms: int | None = None  # since when every delivery found a dependency away
    parent: JobRef | None = None  # the job that enqueued it


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of a job and how it ended.

    `outcome`: completed | failed | retried | deferred | released | lost | cancelled | running.
    """

    delivery: int
    worker: str
    started_at_ms: int
    ended_at_ms: int | None
    outcome: str
    error: str | None = None
    stack: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line a handler wrote about its job."""

    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class JobDetail:
    """A job with its history, the newest 200 jobs it enqueued, and how many are taken before it while it waits."""

    job: Job
    attempts: tuple[Attempt, ...]
    logs: tuple[LogLine, ...]
    children: tuple[JobRef, ...] = ()
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of jobs and how many there are in all."""

    jobs: tuple[Job, ...]
    total: int


@dataclass(frozen=True, slots=True)
class FoundJobs:
    """What a search found. `complete`: nothing else fits; otherwise it stopped after the jobs it `looked_at`."""

    jobs: tuple[Job, ...]
    complete: bool
    looked_at: int


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """A queue as its overview row shows it; each count is what its tab holds.

    `totals` are counters of events since the queue began: added, replaced, completed, failed, cancelled, removed,
    pruned (among them discarded), retried, lost, deferred, released, stale, started. They are exact: each is raised by
    the call that made the transition. added + adjusted = waiting + active + delayed + completed + failed + removed +
    pruned always holds; adjusted is what repairs had to correct, 0 in a queue that was never damaged.
    """

    name: str
    waiting: int
    active: int
    delayed: int
    completed: int
    failed: int
    dead: int
    paused: bool
    dead_bytes: int = 0  # what the dead jobs occupy in the store
    paused_by: str | None = None
    paused_reason: str | None = None
    paused_at_ms: int | None = None
    oldest_waiting_ms: int | None = None  # age of the oldest runnable job
    totals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Minute:
    """What happened in a queue during one minute; `at_ms` is its start."""

    at_ms: int
    completed: int
    failed: int
    added: int

"""What a backend hands over and gets back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypedDict, Unpack

from jobqueue_client.errors import JobQueueError

Status = Literal["waiting", "active", "delayed", "completed", "failed"]
IfExists = Literal["return", "replace"]
CancelOutcome = Literal["cancelled", "requested"]


class Options(TypedDict, total=False):
    """What a caller may choose for one job; what is absent is the job type's own."""

    job_id: str
    delay: timedelta
    """How long to wait, by the store's clock."""
    due_at: datetime
    """When to run, with a time zone; not together with `delay`."""
    priority: int
    """0 is taken first."""
    attempts: int
    timeout: timedelta
    """How long one attempt may run."""
    if_exists: IfExists
    """`replace` replaces a job of that id unless it is active."""


class NewJob:
    """A job for `enqueue_many`."""

    def __init__(self, name: str, data: Mapping[str, Any], **options: Unpack[Options]) -> None:
        self.name, self.data, self.options = name, data, options


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The answer to an enqueue. `created` is false when the job was there already, also by an earlier try."""

    id: str
    status: Status
    created: bool


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is now. Times are ms since the epoch."""

    id: str
    queue: str
    name: str
    data: Any
    status: Status
    attempts_made: int = 0
    enqueued_at: int = 0
    finished_at: int | None = None
    failed_reason: str | None = None
    cancelled: bool = False
    progress: Any = None
    return_value: Any = None


class JobClient(Protocol):
    """What JobQueue and testing.RecordingQueue have in common: let your code depend on this."""

    def enqueue(self, queue: str, name: str, data: Mapping[str, Any], **options: Unpack[Options]) -> Enqueued:
        """Hand over one job."""

    def enqueue_many(self, queue: str, jobs: Sequence[NewJob]) -> list[Enqueued | JobQueueError]:
        """Hand over many jobs of one queue."""

    def get(self, queue: str, job_id: str) -> Job:
        """Read a job this service enqueued."""

    def cancel(self, queue: str, job_id: str, *, reason: str = "") -> CancelOutcome:
        """Cancel a job this service enqueued."""

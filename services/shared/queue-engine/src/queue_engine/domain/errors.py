"""What the engine refuses, one class per fact. Messages are complete sentences a caller can be shown."""

from __future__ import annotations


class QueueEngineError(Exception):
    """Base of every error the engine raises on purpose."""


class InvalidArgument(QueueEngineError):
    """An argument is out of its documented range; nothing was changed."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field, self.problem = field, problem


class QueueNotFound(QueueEngineError):
    """No job was ever enqueued there and no job type names it."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"there is no queue {queue!r}")
        self.queue = queue


class QueueReserved(QueueEngineError):
    """Nobody enqueues into or consumes the dead-letter view."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"{queue!r} is a view of dead jobs: they live in, and are handled through, their own queues")
        self.queue = queue


class JobNotFound(QueueEngineError):
    """No job of that id is in the queue."""

    def __init__(self, queue: str, job_id: str) -> None:
        super().__init__(f"there is no job {job_id!r} in queue {queue!r}")
        self.queue, self.job_id = queue, job_id


class WrongState(QueueEngineError):
    """The job's state does not allow the verb.

    Retry: only failed. Remove, replace: all but active. Cancel: waiting, delayed, active. Reschedule: waiting,
    delayed.
    """

    def __init__(self, job_id: str, state: str, verb: str) -> None:
        super().__init__(f"job {job_id!r} is {state} and cannot be {verb}")
        self.job_id, self.state, self.verb = job_id, state, verb


class IdConflict(QueueEngineError):
    """The id belongs to a job with another name or other data."""

    def __init__(self, queue: str, job_id: str) -> None:
        super().__init__(f"job id {job_id!r} in queue {queue!r} belongs to a job with another name or other data")
        self.queue, self.job_id = queue, job_id


class StoreUnavailable(QueueEngineError):
    """The store cannot be reached, is loading, or cannot write to its disk. The outcome of the call is unknown."""


class StoreFull(QueueEngineError):
    """The store's memory limit is reached: enqueues are refused, everything that frees memory goes on."""


class StoreMisconfigured(QueueEngineError):
    """The store's settings would lose jobs (eviction policy) or its version is too old."""


class StoreEpochChanged(QueueEngineError):
    """The store was emptied or exchanged: its jobs are gone. It is not used until somebody accepts the loss."""


class LibraryMismatch(QueueEngineError):
    """The store runs a function library this version of the services cannot work with."""


class ScheduleNotFound(QueueEngineError):
    """No schedule of that id is in the queue."""

    def __init__(self, queue: str, schedule_id: str) -> None:
        super().__init__(f"there is no schedule {schedule_id!r} in queue {queue!r}")
        self.queue, self.schedule_id = queue, schedule_id


class ScheduleChanged(QueueEngineError):
    """Somebody else changed the schedule: it does not have the revision that the caller knows."""

    def __init__(self, queue: str, schedule_id: str) -> None:
        super().__init__(f"schedule {schedule_id!r} in queue {queue!r} was changed meanwhile; look at it again")
        self.queue, self.schedule_id = queue, schedule_id

"""What the engine refuses, as the contract says it."""

from __future__ import annotations

from queue_engine.domain.errors import (
    IdConflict,
    InvalidArgument,
    JobNotFound,
    LibraryMismatch,
    QueueNotFound,
    QueueReserved,
    ScheduleChanged,
    ScheduleNotFound,
    StoreEpochChanged,
    StoreFull,
    StoreMisconfigured,
    StoreUnavailable,
    WrongState,
)
from service_kit.errors import FieldError, ServiceError

REASONS: dict[type[Exception], str] = {
    QueueNotFound: "QUEUE_NOT_FOUND",
    QueueReserved: "QUEUE_RESERVED",
    JobNotFound: "JOB_NOT_FOUND",
    WrongState: "WRONG_STATE",
    IdConflict: "ID_CONFLICT",
    ScheduleNotFound: "SCHEDULE_NOT_FOUND",
    ScheduleChanged: "WRONG_STATE",
    StoreFull: "LIMITED",
    StoreUnavailable: "UNAVAILABLE",
    StoreMisconfigured: "UNAVAILABLE",
    StoreEpochChanged: "UNAVAILABLE",
    LibraryMismatch: "UNAVAILABLE",
}
# Where the store is only away a second is enough; the others need a person.
RETRY_AFTER_MS: dict[type[Exception], int] = {
    StoreUnavailable: 1_000,
    StoreFull: 5_000,
    StoreMisconfigured: 5_000,
    StoreEpochChanged: 5_000,
    LibraryMismatch: 5_000,
}
# Our callers' names for the engine's, where they differ.
JSON_NAMES = {
    "job_id": "jobId",
    "due_at_ms": "dueAt",
    "schedule_id": "scheduleId",
    "interval_ms": "interval",
    "time_zone": "timeZone",
}
# What the engine says of the store is for our logs, not for callers.
SAID_INSTEAD: dict[type[Exception], str] = {
    StoreUnavailable: "the job store cannot be reached; whether the call took effect is unknown",
    StoreMisconfigured: "the job store's settings would lose jobs; it is not used",
    StoreEpochChanged: "the job store has lost its jobs; it is not used until an operator accepts that",
    LibraryMismatch: "the job store runs functions of a version this service cannot work with",
    StoreFull: "the job store's memory is full",
}


def translate(error: Exception) -> ServiceError | None:
    """The refusal for an engine error, None for anything that is not one."""
    if isinstance(error, InvalidArgument):
        return invalid(JSON_NAMES.get(error.field, error.field), error.problem)
    kind = type(error)
    if kind not in REASONS:
        return None
    return ServiceError(REASONS[kind], SAID_INSTEAD.get(kind, str(error)), retry_after_ms=RETRY_AFTER_MS.get(kind))


def invalid(field: str, problem: str) -> ServiceError:
    """A request whose `field` (its JSON path) cannot be accepted."""
    return ServiceError("INVALID_REQUEST", f"{field} {problem}", (FieldError(field, problem),))

"""What a worker declares it can run, and the one rule that turns a declaration and a payload into a job."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import IfExists, JobRef, NewJob, new_job_id
from queue_engine.domain.limits import check_job_id

_FIELD = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[([^\]]*)\]")


class Settling(StrEnum):
    """When an outcome reaches the store: with the next batch, or before the worker thread goes on."""

    GROUP = "group"
    IMMEDIATE = "immediate"


@dataclass(frozen=True, slots=True)
class DefaultSchedule:
    """A schedule that comes with a job type: made when none of its id ever was, and never changed again by itself.

    `cron` has five fields, meant in `time_zone`; `data` is the jobs' payload as JSON, see ScheduleSpec.
    """

    schedule_id: str
    cron: str
    time_zone: str = "UTC"
    data: str = "{}"


@dataclass(frozen=True, slots=True)
class JobType:
    """One kind of job. `schema` is JSON Schema (2020-12) without remote references.

    `id_template` names payload fields in braces (`ticket-created-{ticketId}`); a part in square brackets is left out
    when its field is absent (`ticket-assigned-{ticketId}[-{assignmentId}]`). Empty: the caller must give an id or gets
    a random one. `due_field` names the payload field (ISO 8601) that holds the due time.
    """

    name: str
    queue: str
    version: int
    schema: dict[str, Any]
    id_template: str = ""
    due_field: str = ""
    settling: Settling = Settling.GROUP
    attempts: int = 3
    backoff: Backoff = DEFAULT_BACKOFF
    timeout_ms: int = 60_000
    max_age_ms: int = 86_400_000
    dedup_ms: int = 86_400_000
    default_schedule: DefaultSchedule | None = None


@dataclass(frozen=True, slots=True)
class EnqueueOptions:
    """What a caller may choose for one job; None leaves it to the job type."""

    job_id: str | None = None
    delay_ms: int | None = None
    due_at_ms: int | None = None
    priority: int | None = None
    attempts: int | None = None
    backoff: Backoff | None = None
    timeout_ms: int | None = None
    if_exists: IfExists = IfExists.RETURN
    options: bytes = field(default=b"")


def resolve(
    job_type: JobType,
    payload: dict[str, Any],
    data: bytes,
    options: EnqueueOptions,
    *,
    owner: str,
    parent: JobRef | None = None,
) -> NewJob:
    """The job to enqueue for `payload` (already valid; `data` are its JSON bytes).

    Raises InvalidArgument when an id cannot be made from the payload (field `data.<name>`), the id is malformed or a
    due time cannot be read. Pure: used by queue-admin and by the worker's own fan-out alike.
    """
    job_id, dedup_ms = options.job_id, job_type.dedup_ms
    if job_id is None and job_type.id_template:
        job_id = _id_from(job_type.id_template, payload) or None  # nothing is left of a template optional as a whole
    if job_id is None:
        # Nobody can repeat an id that was drawn here, so nothing is remembered once the job is gone.
        job_id, dedup_ms = new_job_id(), 0
    check_job_id(job_id)
    due_at_ms = options.due_at_ms
    if due_at_ms is None and options.delay_ms is None and job_type.due_field:
        due_at_ms = _due_from(job_type.due_field, payload)
    return NewJob(
        job_id=job_id,
        name=job_type.name,
        data=data,
        delay_ms=options.delay_ms,
        due_at_ms=due_at_ms,
        priority=options.priority or 0,
        attempts=job_type.attempts if options.attempts is None else options.attempts,
        backoff=options.backoff or job_type.backoff,
        timeout_ms=job_type.timeout_ms if options.timeout_ms is None else options.timeout_ms,
        max_age_ms=job_type.max_age_ms,
        owner=owner,
        if_exists=options.if_exists,
        dedup_ms=dedup_ms,
        options=options.options,
        parent=parent,
    )


def _id_from(template: str, payload: dict[str, Any]) -> str:
    """The template with the payload's values; an optional part disappears with its field."""
    job_id = ""
    for is_optional, texts, names in _read_template(template):
        values = [payload.get(name) for name in names]
        if is_optional and None in values:
            continue
        job_id += texts[0]
        for name, value, text in zip(names, values, texts[1:], strict=True):
            job_id += _id_part(name, value) + text
    return job_id


@lru_cache(maxsize=1024)
def _read_template(template: str) -> list[tuple[bool, list[str], list[str]]]:
    """Its sections in order: whether one is optional, the texts around its fields, the fields."""
    sections = [_FIELD.split(section) for section in _OPTIONAL.split(template)]
    return [(number % 2 == 1, parts[::2], parts[1::2]) for number, parts in enumerate(sections)]


def _id_part(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidArgument(f"data.{name}", "must be given as text or a whole number: the job id is made from it")
    try:
        check_job_id(str(value))
    except InvalidArgument as error:
        raise InvalidArgument(f"data.{name}", f"becomes part of the job id and {error.problem}") from None
    return str(value)


def _due_from(name: str, payload: dict[str, Any]) -> int | None:
    """The field's time in ms since the epoch; None when the payload has none."""
    value = payload.get(name)
    if value is None:
        return None
    try:
        due = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidArgument(f"data.{name}", "must be a time in ISO 8601") from None
    if due.tzinfo is None:
        raise InvalidArgument(f"data.{name}", "must say its offset from UTC, for example by a Z at its end")
    return round(due.timestamp() * 1000)

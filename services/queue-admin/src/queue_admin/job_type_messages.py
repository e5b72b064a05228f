"""Job types as workers declare them and as callers list them."""

from __future__ import annotations

import orjson

from jobqueue.queue.v1 import job_pb2
from queue_admin.convert import from_backoff, to_backoff
from queue_admin.errors import invalid
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import DEAD_LETTER_QUEUE
from queue_engine.domain.job_type import DefaultSchedule, JobType, Settling
from queue_engine.domain.recurrence import Recurrence

DEFAULTS = JobType("", "", 1, {})
RANGES = {"attempts": 100, "timeout": 86_400_000, "max_age": 31_536_000_000, "dedup_window": 31_536_000_000}


def to_job_type(message: job_pb2.JobType, path: str) -> JobType:
    """The declaration at `path` of the request; what is absent is the default. Raises ServiceError INVALID_REQUEST."""
    if message.queue == DEAD_LETTER_QUEUE:
        raise invalid(f"{path}.queue", "is a view; no job lives in it")
    try:
        schema = orjson.loads(message.schema or b"{}")
    except orjson.JSONDecodeError as error:
        raise invalid(f"{path}.schema", f"is not JSON: {error.msg}") from error
    if not isinstance(schema, dict):
        raise invalid(f"{path}.schema", "must be a JSON object")
    _check_ranges(message, path)
    return JobType(
        name=message.name,
        queue=message.queue,
        version=message.version,
        schema=schema,
        id_template=message.id_template,
        due_field=message.due_field,
        settling=Settling(message.settling or DEFAULTS.settling),
        attempts=message.attempts or DEFAULTS.attempts,
        backoff=to_backoff(message.backoff) if message.HasField("backoff") else DEFAULTS.backoff,
        timeout_ms=message.timeout or DEFAULTS.timeout_ms,
        max_age_ms=message.max_age or DEFAULTS.max_age_ms,
        dedup_ms=message.dedup_window or DEFAULTS.dedup_ms,
        default_schedule=_to_default(message, path) if message.HasField("default_schedule") else None,
    )


def _to_default(message: job_pb2.JobType, path: str) -> DefaultSchedule:
    given = message.default_schedule
    try:
        data = (given.data or b"{}").decode()
    except UnicodeDecodeError as error:
        raise invalid(f"{path}.defaultSchedule.data", "is not UTF-8") from error
    default = DefaultSchedule(given.id, given.cron.strip(), given.time_zone or "UTC", data)
    try:
        Recurrence(default.cron, 0, default.time_zone).check()
    except InvalidArgument as error:
        raise invalid(f"{path}.defaultSchedule.{error.field}", error.problem) from error
    return default


def _check_ranges(message: job_pb2.JobType, path: str) -> None:
    for field, most in RANGES.items():
        if not 0 <= getattr(message, field) <= most:
            name = message.DESCRIPTOR.fields_by_name[field].json_name
            raise invalid(f"{path}.{name}", f"must be from 0 to {most}")


def from_job_type(job_type: JobType) -> job_pb2.JobType:
    """The type as callers see it."""
    return job_pb2.JobType(
        name=job_type.name,
        queue=job_type.queue,
        version=job_type.version,
        schema=orjson.dumps(job_type.schema),
        id_template=job_type.id_template,
        due_field=job_type.due_field,
        settling=job_type.settling.value,
        attempts=job_type.attempts,
        backoff=from_backoff(job_type.backoff),
        timeout=job_type.timeout_ms,
        max_age=job_type.max_age_ms,
        dedup_window=job_type.dedup_ms,
        default_schedule=_from_default(job_type.default_schedule) if job_type.default_schedule else None,
    )


def _from_default(default: DefaultSchedule) -> job_pb2.DefaultSchedule:
    return job_pb2.DefaultSchedule(
        id=default.schedule_id, cron=default.cron, time_zone=default.time_zone, data=default.data.encode()
    )

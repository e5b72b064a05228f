"""The ranges every argument must lie in, checked before anything is sent to the store."""

from __future__ import annotations

import re
from typing import Any

import orjson

from queue_engine.domain.backoff import Backoff
from queue_engine.domain.errors import InvalidArgument, QueueReserved
from queue_engine.domain.job import DEAD_LETTER_QUEUE, NewJob

MAX_BATCH = 500
"""Reports, leases or ids per call of a worker."""

MAX_ENQUEUE = 1_000
MAX_PRIORITY = 1_000_000
MAX_DATA_BYTES = 1_048_576
MAX_DELAY_MS = 10 * 365 * 86_400_000
MAX_ATTEMPTS = 1_000
MAX_DUE_MS = 2**48

_QUEUE_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_JOB_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_JOB_NAME = re.compile(r"[A-Za-z0-9._:-]{1,100}")


def check_queue_name(queue: str, *, allow_view: bool = False) -> None:
    """Raise InvalidArgument for a malformed name, QueueReserved for the dead-letter view where it makes no sense."""
    if not _QUEUE_NAME.fullmatch(queue):
        raise InvalidArgument("queue", "must match [a-z][a-z0-9-]{0,62}")
    if queue == DEAD_LETTER_QUEUE and not allow_view:
        raise QueueReserved(queue)


def check_job_id(job_id: str, *, field: str = "job_id") -> None:
    """Raise InvalidArgument for a malformed job id."""
    if not _JOB_ID.fullmatch(job_id):
        raise InvalidArgument(field, "must match [A-Za-z0-9._:-]{1,200}")


def check_range(field: str, value: int, low: int, high: int) -> None:
    """Raise InvalidArgument when `value` is not between the bounds."""
    if not low <= value <= high:
        raise InvalidArgument(field, f"must be between {low} and {high}, not {value}")


def read_json(field: str, document: bytes) -> Any:
    """The document's value. Raises InvalidArgument when it is too large or not one JSON document."""
    if len(document) > MAX_DATA_BYTES:
        raise InvalidArgument(field, f"must be at most {MAX_DATA_BYTES} bytes")
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(field, f"must be one JSON document: {error}") from error


def check_identity(job: NewJob) -> None:
    """Raise InvalidArgument for a malformed id or name."""
    check_job_id(job.job_id)
    if not _JOB_NAME.fullmatch(job.name):
        raise InvalidArgument("name", "must match [A-Za-z0-9._:-]{1,100}")


def check_options(job: NewJob) -> None:
    """Raise InvalidArgument for the first other field that is out of range; `data` is read where it is hashed, settings
    are checked where they are packed.
    """
    if job.delay_ms is not None or job.due_at_ms is not None:
        _check_when(job)
    check_range("priority", job.priority, 0, MAX_PRIORITY)
    if "\n" in job.owner:  # it is sent as a line among others
        raise InvalidArgument("owner", "must be one line")
    if len(job.owner) > 200 or len(job.options) > MAX_DATA_BYTES:  # noqa: PLR2004 - a token's sub is shorter
        raise InvalidArgument("owner" if len(job.owner) > 200 else "options", "is too long")  # noqa: PLR2004


def _check_when(job: NewJob) -> None:
    if job.delay_ms is not None and job.due_at_ms is not None:
        raise InvalidArgument("due_at_ms", "and delay_ms exclude each other")
    check_range("delay_ms", job.delay_ms or 0, 0, MAX_DELAY_MS)
    check_range("due_at_ms", job.due_at_ms or 0, 0, MAX_DUE_MS)


def check_settings(attempts: int, max_age_ms: int, dedup_ms: int | None, timeout_ms: int, backoff: Backoff) -> None:
    """Raise InvalidArgument for the first of a job's settings that is out of range."""
    check_range("attempts", attempts, 1, MAX_ATTEMPTS)
    check_range("timeout_ms", timeout_ms, 1, MAX_DELAY_MS)
    check_range("max_age_ms", max_age_ms, 0, MAX_DELAY_MS)
    check_range("dedup_ms", dedup_ms or 0, 0, MAX_DELAY_MS)
    check_range("backoff.delay_ms", backoff.delay_ms, 0, MAX_DELAY_MS)
    check_range("backoff.max_delay_ms", backoff.max_delay_ms, 0, MAX_DELAY_MS)
    if not 0 <= backoff.jitter <= 1:
        raise InvalidArgument("backoff.jitter", "must be between 0 and 1")

"""Where a job came from, for traces: carried in its options, and only while somebody traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from queue_engine.domain.job import NewJob

MARK = "trace"


@dataclass(frozen=True, slots=True)
class Origin:
    """The W3C trace context of the span that enqueued a job, by header name; empty: none is known."""

    carrier: Mapping[str, str] = field(default_factory=dict)
    is_batch: bool = False  # the same span enqueued other jobs too


def carrying(job: NewJob, carrier: Mapping[str, str], *, is_batch: bool = False) -> NewJob:
    """The job with its origin; as it is when there is nothing to carry. The carrier's size is its maker's to bound."""
    if not carrier:
        return job
    options = orjson.loads(job.options) if job.options else {}
    options[MARK] = {**carrier, "batch": "1"} if is_batch else dict(carrier)
    return job._replace(options=orjson.dumps(options))


def origin_of(options: bytes) -> Origin:
    """The origin that a job's options carry. Never raises: nothing but a trace depends on it."""
    if b'"trace"' not in options:
        return Origin()
    try:
        found = orjson.loads(options)[MARK]
        carrier = {str(name): value for name, value in found.items() if isinstance(value, str)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Origin()
    is_batch = carrier.pop("batch", "") != ""
    return Origin(carrier, is_batch=is_batch)

"""From flat replies to values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import orjson

from queue_engine.domain.audit import AuditRecord
from queue_engine.domain.error_group import ErrorGroup
from queue_engine.domain.job import Attempt, FailureKind, Job, JobDetail, JobRef, JobState, LogLine, QueueCounts
from queue_engine.domain.lease import Lease
from queue_engine.domain.reconciliation import Finding, FindingKind
from queue_engine.store.settings_codec import unpack_settings

Fields = dict[bytes, bytes]

_LEASE_VALUES = 5
_TIME_SIZE, _NAME_AT = 13, 23  # in the field `m`, see functions/shared/made.lua


def text(value: bytes) -> str:
    """Text for people: what is not UTF-8 becomes a replacement mark."""
    return value.decode("utf-8", "replace")


def decode_id(value: bytes) -> str:
    """A job id, so that encode_id gives the same bytes again."""
    return value.decode("utf-8", "surrogateescape")


def flat_fields(flat: Sequence[bytes]) -> Fields:
    """A hash from its flat reply."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def leases(queue: str, flat: Sequence[Any]) -> Iterator[Lease]:
    """Leases from the flat list of take.lua. This is the hot path: nothing is parsed that can be looked up, and a named
    tuple's own constructor, which is written in Python, takes longer than all the rest of the tuple.
    """
    each = zip(*[iter(flat)] * _LEASE_VALUES, strict=True)
    for job_id, token, made, data, more in each:
        told = _lease_more(more) if more else _PLAIN
        created, suspect = int(made[:_TIME_SIZE]), bool(more) and more[4] > 0
        name = _made_name(made[_NAME_AT:])
        yield tuple.__new__(Lease, (queue, decode_id(job_id), token, name, data, *told, created, suspect))


def _lease_more(more: Sequence[Any]) -> tuple[Any, ...]:
    """From what take.lua tells besides to a lease's values from `options` to `timeout_ms`."""
    options, packed, attempts, deliveries, _ = more
    settings = unpack_settings(packed)
    return options, attempts, settings.attempts, deliveries, settings.backoff, settings.timeout_ms


_PLAIN = _lease_more((b"", b"", 0, 1, 0))
"""Of a job of which nothing is told."""


@lru_cache(maxsize=1024)
def _made_name(rest: bytes) -> str:
    return text(rest.partition(b" ")[0])


def job(queue: str, reply: Sequence[Any]) -> Job:
    """A job from {id, due, newest attempt, {fields}}; fields that are missing or unreadable get harmless values."""
    job_id, due, newest, flat = reply
    fields = flat_fields(flat)
    state = _state(fields.get(b"s", b""))
    settings = unpack_settings(fields.get(b"c", b""))
    failed = state is JobState.FAILED
    taken_at, deliveries, worker = _delivery(fields)
    return Job(
        job_id=decode_id(job_id),
        queue=queue,
        name=text(fields.get(b"n", b"?")),
        data=fields.get(b"d", b""),
        state=state,
        priority=_number(fields, b"p") or 0,
        attempts_made=_attempts_made(fields, state),
        max_attempts=settings.attempts,
        deliveries=deliveries,
        lost_leases=_number(fields, b"ll") or 0,
        created_at_ms=_number(fields, b"ts") or 0,
        backoff=settings.backoff,
        timeout_ms=settings.timeout_ms,
        owner=text(fields.get(b"u", b"")),
        options=fields.get(b"o", b""),
        progress=fields.get(b"pg"),
        due_at_ms=int(float(due)) if due else None,
        processed_at_ms=taken_at,
        finished_at_ms=_number(fields, b"t1"),
        failed_reason=_optional_text(fields, b"e"),
        failure_kind=_failure_kind(fields.get(b"ek")),
        error_class=_optional_text(fields, b"ec"),
        dead=failed and b"cn" not in fields,
        cancelled=b"cn" in fields,
        cancel_requested=b"cx" in fields,
        return_value=fields.get(b"r"),
        worker=worker,
        stack=(attempt(newest).stack if newest else None),
        malformed=b"mf" in fields,
        group=_optional_text(fields, b"g"),
        deferred_since_ms=_number(fields, b"df"),
        parent=JobRef.parse(text(fields[b"pa"])) if b"pa" in fields else None,
    )


def job_detail(queue: str, reply: Sequence[Any]) -> JobDetail:
    """A job with its history; the last good or running delivery is added from the job's own fields."""
    one = job(queue, reply[1])
    attempts = [attempt(record) for record in reply[2]]
    if one.state in (JobState.ACTIVE, JobState.COMPLETED) and one.deliveries:
        running = one.state is JobState.ACTIVE
        outcome, ended = ("running", None) if running else ("completed", one.finished_at_ms)
        attempts.append(Attempt(one.deliveries, one.worker or "", one.processed_at_ms or 0, ended, outcome))
    logs, children, ahead = reply[3:6]
    return JobDetail(
        job=one,
        attempts=tuple(attempts),
        logs=tuple(_log_line(line) for line in logs),
        children=tuple(JobRef.parse(text(child)) for child in children),
        ahead=None if ahead < 0 else ahead,
    )


def attempt(record: bytes) -> Attempt:
    """An attempt record of history.lua."""
    try:
        delivery, worker, started, ended, outcome, error, stack = orjson.loads(record)
    except ValueError:
        return Attempt(0, "", 0, None, "failed", "the record of this attempt cannot be read")
    return Attempt(delivery, worker, started, ended, outcome, error or None, stack or None)


def queue_counts(queue: str, reply: Sequence[Any]) -> QueueCounts:
    """Counts from the reply of count_jobs.lua."""
    waiting, active, delayed, completed, failed, dead, oldest, flat = reply[1:9]
    fields = flat_fields(flat)
    paused = orjson.loads(fields[b"paused"]) if b"paused" in fields else None
    return QueueCounts(
        name=queue,
        waiting=waiting,
        active=active,
        delayed=delayed,
        completed=completed,
        failed=failed,
        dead=dead,
        paused=paused is not None,
        dead_bytes=int(fields.get(b"dead_bytes", 0)),
        paused_by=paused[0] if paused else None,
        paused_reason=(paused[1] or None) if paused else None,
        paused_at_ms=paused[2] if paused else None,
        oldest_waiting_ms=None if oldest < 0 else oldest,
        totals=_totals(fields),
    )


def error_group(reply: Sequence[Any]) -> ErrorGroup:
    """A group from {group, jobs, first failed, last failed, what it is}."""
    group_id, count, first, last, about = reply
    name, error_class, line = text(about or b"?\0\0").split("\0", 2)
    return ErrorGroup(text(group_id), name, error_class, line, count, first, last)


def finding(reply: Sequence[bytes]) -> Finding:
    """A damage from {kind, id, detail}; its words are for people."""
    kind, job_id, detail = reply
    return Finding(FindingKind(kind.decode()), text(job_id), text(detail))


def audit_record(queue: str, entry: Sequence[Any]) -> AuditRecord:
    """A record of the audit stream."""
    fields = {key: text(value) for key, value in flat_fields(entry[1]).items()}
    return AuditRecord(
        entry_id=entry[0].decode(),
        event_id=fields[b"event"],
        queue=queue,
        job_id=fields[b"job"],
        action=fields[b"action"],
        actor=fields[b"actor"],
        issuer=fields[b"issuer"],
        token_id=fields[b"token"],
        reason=fields[b"reason"],
        at_ms=int(fields[b"at"]),
        detail=fields[b"detail"],
        request_id=fields.get(b"request", ""),
    )


TOTALS = (
    "added", "replaced", "completed", "failed", "cancelled", "removed", "pruned", "discarded", "retried", "lost",
    "deferred", "released", "stale", "started", "manual_retries", "adjusted",
    "schedule_runs", "schedule_failed", "schedule_missed",
    *(f"failed:{kind.value}" for kind in FailureKind),
)  # fmt: skip


def _totals(fields: Fields) -> dict[str, int]:
    return {name: int(fields.get(b"n:" + name.encode(), 0)) for name in TOTALS}


def _log_line(line: bytes) -> LogLine:
    at, _, words = line.partition(b" ")
    return LogLine(int(at), text(words))


def _state(value: bytes) -> JobState:
    try:
        return JobState(value.decode())
    except ValueError:
        return JobState.FAILED


def _failure_kind(value: bytes | None) -> FailureKind | None:
    if value is None:
        return None
    try:
        return FailureKind(value.decode())
    except ValueError:
        return FailureKind.OTHER


def _number(fields: Fields, name: bytes) -> int | None:
    try:
        return int(fields[name])
    except (KeyError, ValueError):
        return None


def _optional_text(fields: Fields, name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else text(value)


def _attempts_made(fields: Fields, state: JobState) -> int:
    failed = _number(fields, b"at") or 0
    return failed + 1 if state is JobState.COMPLETED and not _is_older(fields) else failed


def _is_older(fields: Fields) -> bool:
    """Written by functions before 1.6: a delivery in several fields, a completion counted as an attempt."""
    return b"dl" in fields


def _delivery(fields: Fields) -> tuple[int | None, int, str | None]:
    """Of the last delivery (see delivery.lua): when the job was taken, how many there were, the worker."""
    if _is_older(fields):
        worker_then = text(fields.get(b"l", b"").partition(b" ")[2])
        return _number(fields, b"t0"), _number(fields, b"dl") or 0, worker_then
    try:
        _, taken_at, number, _, worker = fields[b"l"].split(b" ", 4)
        return int(taken_at), int(number), text(worker)
    except (KeyError, ValueError):
        return None, 0, None

"""From values to the flat arguments of the functions."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from queue_engine.domain.audit import Action
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import IfExists, NewJob
from queue_engine.domain.lease import Completed, Deferred, Failed, Interrupted, Lease, Released, Report
from queue_engine.domain.limits import check_identity, check_options, read_json
from queue_engine.store.redis_store import Arg
from queue_engine.store.settings_codec import pack_settings

_SMALL_BYTES = 500
"""So few take little memory when they are parsed, and have no room to be nested deeper than 250 levels."""

MAX_REASON_CHARS = 1_000
MAX_STACK_CHARS = 4_000
MAX_VALUE_BYTES = 65_536


def action_args(action: Action | None) -> tuple[str, str, str, str, str]:
    """The five arguments every function with an action begins with. The request id stands behind the event id, so that
    services and functions of before the request id understand these.
    """
    if action is None:
        return ("", "", "", "", "")
    named = f"{action.event_id} {action.request_id}" if action.request_id else action.event_id
    return (named, action.actor, action.issuer, action.token_id, action.reason)


CheckedJob = tuple[NewJob, str, bytes, Any]
"""A job that may be sent, with what its check came by. Its arguments are always the same.

That is: more as shared/enqueue.lua has it, without the options (empty: none); the digest (empty: to be made of what
follows); what the data says.
"""


_PLAIN = NewJob("", "", b"")[3:]
"""Nothing to say of a job but its id, its name and its data."""


def checked_job(job: NewJob) -> CheckedJob:
    """Raises InvalidArgument for what is out of range, and for data that is not JSON."""
    check_identity(job)
    more = ""
    if job[3:] != _PLAIN:
        check_options(job)
        more = _more(job)
    value, made = read_json("data", job.data), b""
    if len(job.data) > _SMALL_BYTES:
        value, made = None, _digest(job.name, value)
    return job, more, made, value


def job_args(checked: CheckedJob) -> tuple[Arg, ...]:
    """The arguments of one job, as shared/enqueue.lua has them."""
    job, more, made, value = checked
    told = (made or _digest(job.name, value)) + _name_and_window(job)
    return job.job_id, job.data, told, more.encode() + job.options


def _name_and_window(job: NewJob) -> bytes:
    """The window when there is one, or a replacement's request will stand behind it."""
    if job.dedup_ms is None and job.if_exists is IfExists.RETURN:
        return f" {job.name}".encode()
    return f" {job.name} {'-' if job.dedup_ms is None else job.dedup_ms}".encode()


def _more(job: NewJob) -> str:
    when = ""
    if job.delay_ms:
        when = f"r{job.delay_ms}"
    elif job.due_at_ms is not None:
        when = f"a{job.due_at_ms}"
    return f"{when}\n{job.priority}\n{pack_settings(job)}\n{job.owner}\n{_if_exists(job)}\n{job.parent or ''}\n"


def _if_exists(job: NewJob) -> str:
    """Replacing is not harmless to repeat, so each replacement has a name."""
    if job.if_exists is IfExists.RETURN:
        return "return"
    return f"{job.if_exists}:{job.request or uuid.uuid4().hex}"


def digest(name: str, data: bytes) -> bytes:
    """What makes two enqueues of one id the same: the name and the data, whatever its key order and white space."""
    return _digest(name, read_json("data", data))


def _digest(name: str, value: Any) -> bytes:
    try:
        canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise InvalidArgument("data", "must not be nested deeper than 250 levels") from error
    return hashlib.blake2b(name.encode() + b"\0" + canonical, digest_size=8).digest()


def encode_id(job_id: str) -> bytes:
    """A job id for the wire; ids that somebody wrote past us may hold any bytes."""
    return job_id.encode("utf-8", "surrogateescape")


def lease_args(leases: Sequence[Lease]) -> list[Arg]:
    """Id and token of each lease."""
    args: list[Arg] = []
    for lease in leases:
        args += (encode_id(lease.job_id), lease.token)
    return args


def report_args(report: Report) -> tuple[Arg, ...]:
    """The arguments of one report, as exchange_jobs.lua lists them."""
    lease, outcome = report
    head = job_id, token = encode_id(lease.job_id), lease.token
    if isinstance(outcome, Completed):  # before the others, and without a pattern: nearly all are
        value = outcome.value
        if not value:
            return job_id, token, "returned"
        return (*head, "completed", value if len(value) <= MAX_VALUE_BYTES else b'"(too large to keep)"')
    match outcome:
        case Failed():
            delay = "" if outcome.retry_delay_ms is None else max(0, outcome.retry_delay_ms)
            reason, stack = _cut(outcome.reason, MAX_REASON_CHARS), _cut(outcome.stack, MAX_STACK_CHARS, keep_end=True)
            return (*head, "failed", reason, _cut(outcome.error_class, 200), stack, outcome.kind.value, delay)
        case Deferred():
            limit = "" if outcome.max_age_ms is None else outcome.max_age_ms
            reason = _cut(outcome.reason, MAX_REASON_CHARS)
            return (*head, "deferred", reason, outcome.kind.value, max(0, outcome.delay_ms), limit)
        case Released(begun):
            return (*head, "released", "1" if begun else "0")
        case Interrupted():
            return (*head, "interrupted")


def _cut(text: str, limit: int, *, keep_end: bool = False) -> bytes:
    """Bounded UTF-8; characters that cannot be encoded become question marks."""
    if len(text) > limit:
        text = text[-limit:] if keep_end else text[:limit]
    return text.encode("utf-8", "replace")

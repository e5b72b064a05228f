"""Between the contract's messages and the ledger's values."""

from __future__ import annotations

from typing import Any

import orjson

from audit.ledger import Entry, Head, NewEntry
from audit.progress import Progress
from audit.store import Filter
from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.queue.v1 import job_pb2
from service_kit.errors import FieldError, ServiceError

ACTION_PREFIX = "AUDIT_ACTION_"
TEXTS = ("event_id", "queue", "job_id", "actor", "issuer", "token_id", "reason", "request_id")


def to_new_entries(request: pb.AppendEntriesRequest) -> list[NewEntry]:
    """Raises ServiceError INVALID_REQUEST for text that PostgreSQL cannot keep or a detail that is no JSON object."""
    errors = [
        error for index, message in enumerate(request.entries) for error in _problems(message, f"entries[{index}].")
    ]
    if errors:
        raise ServiceError("INVALID_REQUEST", f"{errors[0].field} {errors[0].problem}", tuple(errors))
    return [_to_new_entry(message) for message in request.entries]


def to_filter(request: pb.ListEntriesRequest) -> Filter:
    """Raises ServiceError INVALID_REQUEST when `from` lies behind `to`, or for text that no record can hold."""
    lower, upper = _given(request, "from"), _given(request, "to")
    if lower is not None and upper is not None and lower > upper:
        raise ServiceError("INVALID_REQUEST", "from is after to", (FieldError("from", "must not be after to"),))
    if "\0" in request.actor:
        raise ServiceError("INVALID_REQUEST", "actor holds a NUL", (FieldError("actor", "must not hold a NUL"),))
    return Filter(
        queue=_given(request, "queue"),
        job_id=_given(request, "job_id"),
        actor=_given(request, "actor"),
        action=_action_name(request.action) if request.HasField("action") else None,
        request_id=_given(request, "request_id"),
        from_ms=lower,
        to_ms=upper,
    )


def to_list_response(entries: list[Entry], *, total: int, page: int, page_size: int) -> pb.ListEntriesResponse:
    """One page; without any record there are 0 pages."""
    pagination = job_pb2.Pagination(
        page=page, page_size=page_size, total=total, total_pages=(total + page_size - 1) // page_size
    )
    return pb.ListEntriesResponse(data=[_to_message(entry) for entry in entries], pagination=pagination)


def to_verify_response(found: Progress) -> pb.VerifyChainResponse:
    """The head is empty while the chain is."""
    return pb.VerifyChainResponse(
        intact=found.intact,
        checked=found.place.id,
        broken_at=found.broken_at,
        head=_hex(found.place),
        complete=found.whole or not found.intact,
    )


def to_verification_response(found: Progress, *, entries: int) -> pb.GetVerificationResponse:
    """Times that are not known yet are absent."""
    return pb.GetVerificationResponse(
        intact=found.intact,
        broken_at=found.broken_at,
        broken_since=found.broken_since_ms,
        entries=entries,
        verified=found.witness.id,
        verified_at=found.witness_at_ms,
        head=_hex(found.witness),
        whole_at=found.whole_at_ms,
        under_way=not found.whole,
        checked=found.place.id,
    )


def _hex(head: Head) -> str:
    return head.hash.hex() if head.id else ""


def _to_new_entry(message: pb.NewEntry) -> NewEntry:
    return NewEntry(
        event_id=message.event_id,
        queue=message.queue,
        job_id=message.job_id,
        action=_action_name(message.action),
        actor_user_id=message.actor,
        issuer=message.issuer,
        token_id=message.token_id,
        reason=message.reason,
        detail=message.detail.decode(),
        created_at_ms=message.happened_at,
        request_id=message.request_id,
    )


def _to_message(entry: Entry) -> pb.Entry:
    return pb.Entry(
        id=entry.id,
        queue=entry.queue,
        job_id=entry.job_id,
        action=pb.AuditAction.Value(ACTION_PREFIX + entry.action),
        actor_user_id=entry.actor_user_id,
        reason=entry.reason or None,
        created_at=entry.created_at_ms,
        recorded_at=entry.recorded_at_ms,
        event_id=entry.event_id,
        issuer=entry.issuer,
        detail=entry.detail.encode(),
        hash=entry.hash.hex(),
        request_id=entry.request_id or None,
    )


def _problems(message: pb.NewEntry, path: str) -> list[FieldError]:
    problems = [
        FieldError(path + message.DESCRIPTOR.fields_by_name[name].json_name, "must not hold a NUL")
        for name in TEXTS
        if "\0" in getattr(message, name)
    ]
    if message.detail and not _is_json_object(message.detail):
        problems.append(FieldError(f"{path}detail", "must be a JSON object"))
    return problems


def _is_json_object(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _action_name(action: pb.AuditAction.ValueType) -> str:
    return pb.AuditAction.Name(action).removeprefix(ACTION_PREFIX)


def _given(request: pb.ListEntriesRequest, field: str) -> Any:
    return getattr(request, field) if request.HasField(field) else None  # type: ignore[arg-type]  # any of its fields

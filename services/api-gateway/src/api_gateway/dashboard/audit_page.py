"""/audit: who did what, when and why; filters, exports, and whether the chain of records holds."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import orjson
from starlette.responses import Response, StreamingResponse

from api_gateway.dashboard import formatting, json_tree, links
from api_gateway.dashboard.deeds import WORDS
from api_gateway.dashboard.paging import page_of, pages_of, size_of
from api_gateway.dashboard.site import PAGE_HEADERS, Visit
from api_gateway.dashboard.toasts import Toast
from api_gateway.root_path import at
from jobqueue.audit.v1 import audit_service_pb2 as audit
from service_kit.errors import ServiceError

EXPORT_PAGE = 100
MOST_EXPORTED = 100_000
COLUMNS = (
    "id",
    "createdAt",
    "queue",
    "jobId",
    "action",
    "actorUserId",
    "reason",
    "issuer",
    "requestId",
    "eventId",
    "detail",
    "hash",
)
_NUMBERS = {word: number for number, word in WORDS.items() if number != audit.AUDIT_ACTION_UNSPECIFIED}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A record with its detail as text, empty when it says nothing."""

    entry: audit.Entry
    detail: str


async def audit_page(visit: Visit) -> Response:
    """The records that match, and how far the chain was verified."""
    filters = _filters(visit)
    request = _request(filters)
    request.page, request.page_size = page_of(visit), size_of(visit)
    answer: audit.ListEntriesResponse
    known: audit.GetVerificationResponse | None
    answer, known = await asyncio.gather(visit.call(request), _verification(visit))
    return visit.page(
        "audit.html",
        records=[_Shown(entry, _detail_of(entry)) for entry in answer.data],
        pages=pages_of(answer.pagination),
        filters=filters,
        address=lambda **changes: links.with_query(at("/audit"), **{**filters, **changes}),
        export=lambda kind: links.with_query(at("/audit/export"), **filters, format=kind),
        words=WORDS,
        verification=known,
    )


async def verify(visit: Visit) -> Response:
    """Recompute the chain from its first record, and back to the page that shows how far that came."""
    answer: audit.VerifyChainResponse = await visit.call(audit.VerifyChainRequest())
    checked = formatting.count(answer.checked, "record")
    if not answer.intact:
        return visit.go(at("/audit"), Toast(f"Record {answer.broken_at:,} does not fit.", good=False))
    if not answer.complete:
        return visit.go(at("/audit"), Toast(f"{checked} verified so far; the rest is done in the background."))
    return visit.go(at("/audit"), Toast(f"{checked} verified, from the first to the last."))


async def export(visit: Visit) -> Response:
    """The records that match as CSV or JSON lines, newest first."""
    kind = "jsonl" if visit.query("format") == "jsonl" else "csv"
    first = await _page(visit, _request(_filters(visit)), 1)  # a refusal comes before the download begins
    headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="job-audit.{kind}"'}
    media_type = "application/x-ndjson" if kind == "jsonl" else "text/csv; charset=utf-8"
    return StreamingResponse(_export(visit, kind, first), headers=headers, media_type=media_type)


async def _verification(visit: Visit) -> audit.GetVerificationResponse | None:
    """None when it cannot be told; the records are worth showing without it, and say themselves when audit is away."""
    try:
        found: audit.GetVerificationResponse = await visit.call(audit.GetVerificationRequest())
    except ServiceError:
        return None
    return found


def _detail_of(entry: audit.Entry) -> str:
    return "" if entry.detail in (b"", b"{}") else json_tree.pretty(entry.detail)


def _filters(visit: Visit) -> dict[str, str]:
    return {name: visit.query(name) for name in ("queue", "jobId", "actor", "action", "requestId", "from", "to")}


def _request(filters: dict[str, str]) -> audit.ListEntriesRequest:
    request = audit.ListEntriesRequest()
    if filters["action"] in _NUMBERS:
        request.action = _NUMBERS[filters["action"]]
    for name, given in (("queue", "queue"), ("job_id", "jobId"), ("actor", "actor"), ("request_id", "requestId")):
        if filters[given]:
            setattr(request, name, filters[given])
    for name in ("from", "to"):
        if filters[name]:
            at_ms = formatting.parse_utc(filters[name])
            if at_ms is None:
                raise ServiceError("INVALID_REQUEST", f"{name} is no time; write it as 2027-01-31T09:30 (UTC)")
            setattr(request, name, at_ms)
    return request


async def _page(visit: Visit, request: audit.ListEntriesRequest, page: int) -> audit.ListEntriesResponse:
    request.page, request.page_size = page, EXPORT_PAGE
    answer: audit.ListEntriesResponse = await visit.call(request)
    return answer


async def _export(visit: Visit, kind: str, first: audit.ListEntriesResponse) -> AsyncIterator[bytes]:
    if kind == "csv":
        yield _csv([COLUMNS])
    request = _request(_filters(visit))
    if not request.HasField("to"):
        request.to = round(time.time() * 1_000) + 1  # records that arrive meanwhile do not move the pages
    answer, page = first, 1
    while answer.data and page * EXPORT_PAGE <= MOST_EXPORTED:
        yield _csv(map(_row, answer.data)) if kind == "csv" else b"".join(map(_line, answer.data))
        if page >= answer.pagination.total_pages:
            return
        page += 1
        answer = await _page(visit, request, page)


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([[_harmless(value) for value in row] for row in rows])
    return text.getvalue().encode()


def _harmless(value: object) -> str:
    """Spreadsheets run what begins like a formula; a quote before it keeps it text."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(entry: audit.Entry) -> Iterable[object]:
    values = _values(entry)
    values["detail"] = entry.detail.decode("utf-8", "replace")
    return [values[column] for column in COLUMNS]


def _line(entry: audit.Entry) -> bytes:
    return orjson.dumps({**_values(entry), "detail": orjson.Fragment(entry.detail or b"{}")}) + b"\n"


def _values(entry: audit.Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "createdAt": formatting.iso(entry.created_at),
        "queue": entry.queue,
        "jobId": entry.job_id,
        "action": WORDS.get(entry.action, str(entry.action)),
        "actorUserId": entry.actor_user_id,
        "reason": entry.reason,
        "issuer": entry.issuer,
        "requestId": entry.request_id,
        "eventId": entry.event_id,
        "hash": entry.hash,
    }

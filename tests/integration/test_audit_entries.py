from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest

from audit.sql import query
from audit.store import Filter
from jobqueue.audit.v1 import audit_service_pb2 as pb
from service_kit.errors import FieldError
from support.audit import RunningAudit, an_entry, refused, running_audit


@pytest.fixture
def audit(tmp_path: Path, database_url: str) -> Iterator[RunningAudit]:
    with running_audit(tmp_path, database_url) as running:
        yield running


def test_a_record_is_kept_as_it_was_shipped(audit: RunningAudit) -> None:
    appended = audit.append(
        an_entry(event_id="e-1", request_id="r-1", detail='{"warum": "größer", "n": 12345678901234567890123}'.encode())
    )

    [kept] = audit.list().data
    assert appended == 1
    assert (kept.id, kept.event_id, kept.queue, kept.job_id) == (1, "e-1", "tickets", "ticket-created-7")
    assert (kept.actor_user_id, kept.issuer, kept.reason) == ("olga", "jobqueue", "provider is back")
    assert kept.request_id == "r-1"
    assert kept.action == pb.AUDIT_ACTION_RETRY
    assert kept.created_at == 1_790_000_000_000
    assert kept.recorded_at > kept.created_at - 10**12
    assert kept.detail.decode() == '{"warum": "größer", "n": 12345678901234567890123}'
    assert len(kept.hash) == 64


def test_a_record_without_reason_job_and_detail_shows_none(audit: RunningAudit) -> None:
    audit.append(an_entry(job_id="", reason="", detail=b"", action=pb.AUDIT_ACTION_PAUSE))

    [kept] = audit.list().data
    assert (kept.job_id, kept.HasField("reason"), kept.detail) == ("", False, b"")
    assert not kept.HasField("request_id")


def test_shipping_the_same_records_again_changes_nothing(audit: RunningAudit) -> None:
    entries = [an_entry(), an_entry()]
    audit.append(*entries)
    before = audit.verify()

    assert audit.append(*entries, an_entry(event_id="one-more")) == 1
    assert audit.append(*entries) == 0
    assert audit.verify().checked == before.checked + 1


def test_the_same_record_twice_in_one_call_is_kept_once(audit: RunningAudit) -> None:
    entry = an_entry()

    assert audit.append(entry, entry) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"queue": "notifications"},
        {"job_id": "other"},
        {"action": pb.AUDIT_ACTION_REMOVE},
        {"actor": "eve"},
        {"issuer": "elsewhere"},
        {"token_id": "t-2"},
        {"request_id": "r-2"},
        {"reason": "other"},
        {"happened_at": 5},
        {"detail": b'{"attempts":3}'},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_known_event_with_other_content_is_a_conflict_and_nothing_is_appended(
    audit: RunningAudit, change: dict[str, Any]
) -> None:
    audit.append(an_entry(event_id="e-1"))
    request = pb.AppendEntriesRequest(entries=[an_entry(), an_entry(event_id="e-1", **change), an_entry()])

    error = refused(audit.shipper.AppendEntries, request)

    assert (error.reason, error.metadata) == ("AUDIT_CONFLICT", {"eventId": "e-1"})
    assert audit.verify().checked == 1


def test_two_contents_for_one_event_in_one_call_are_a_conflict(audit: RunningAudit) -> None:
    request = pb.AppendEntriesRequest(entries=[an_entry(event_id="e"), an_entry(event_id="e", reason="other")])

    assert refused(audit.shipper.AppendEntries, request).reason == "AUDIT_CONFLICT"
    assert audit.verify().checked == 0


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        pytest.param(an_entry(event_id=""), FieldError("entries[0].eventId", "is required"), id="no event id"),
        pytest.param(an_entry(action=0), FieldError("entries[0].action", "is required"), id="no action"),
        pytest.param(
            an_entry(actor="a" * 301), FieldError("entries[0].actor", "has 301 characters; 300 are allowed"), id="long"
        ),
        pytest.param(an_entry(reason="a\0b"), FieldError("entries[0].reason", "must not hold a NUL"), id="NUL"),
        pytest.param(an_entry(detail=b"[1]"), FieldError("entries[0].detail", "must be a JSON object"), id="a list"),
        pytest.param(an_entry(detail=b'{"a": '), FieldError("entries[0].detail", "must be a JSON object"), id="cut"),
        pytest.param(
            an_entry(detail=b'{"a": "\xff"}'), FieldError("entries[0].detail", "must be a JSON object"), id="bytes"
        ),
    ],
)
def test_a_record_that_cannot_be_kept_is_refused_by_field(
    audit: RunningAudit, entry: pb.NewEntry, field: FieldError
) -> None:
    error = refused(audit.shipper.AppendEntries, pb.AppendEntriesRequest(entries=[entry]))

    assert (error.reason, error.fields) == ("INVALID_REQUEST", (field,))


def test_only_queue_admin_appends_and_it_does_nothing_else(audit: RunningAudit) -> None:
    assert refused(audit.operator.AppendEntries, pb.AppendEntriesRequest()).reason == "ROLE_REQUIRED"
    assert refused(audit.shipper.ListEntries, pb.ListEntriesRequest()).reason == "ROLE_REQUIRED"
    assert refused(audit.shipper.VerifyChain, pb.VerifyChainRequest()).reason == "ROLE_REQUIRED"


def test_records_come_newest_first_in_pages_with_an_exact_total(audit: RunningAudit) -> None:
    audit.append(*(an_entry(event_id=f"e-{n}", happened_at=1000 + n) for n in range(7)))

    pages = [audit.list(page=page, page_size=3) for page in (1, 2, 3, 4)]

    assert [[e.event_id for e in page.data] for page in pages] == [
        ["e-6", "e-5", "e-4"],
        ["e-3", "e-2", "e-1"],
        ["e-0"],
        [],
    ]
    assert {(p.pagination.total, p.pagination.total_pages, p.pagination.page_size) for p in pages} == {(7, 3, 3)}
    assert [p.pagination.page for p in pages] == [1, 2, 3, 4]


def test_a_page_has_as_many_records_as_the_setting_says(tmp_path: Path, database_url: str) -> None:
    with running_audit(tmp_path, database_url, job_ui_page_size=2) as audit:
        audit.append(*(an_entry() for _ in range(5)))

        answer = audit.list()

    assert (len(answer.data), answer.pagination.page_size, answer.pagination.total_pages) == (2, 2, 3)


def test_an_empty_record_has_no_pages(audit: RunningAudit) -> None:
    answer = audit.list()

    assert (len(answer.data), answer.pagination.total, answer.pagination.total_pages) == (0, 0, 0)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"queue": "tickets"}, "abc"),
        ({"queue": "notifications"}, "d"),
        ({"job_id": "j-1"}, "ad"),
        ({"queue": "tickets", "job_id": "j-1"}, "a"),
        ({"actor": "olga"}, "ac"),
        ({"action": pb.AUDIT_ACTION_CANCEL}, "b"),
        ({"request_id": "r-1"}, "ac"),
        ({"request_id": "r-1", "queue": "notifications"}, ""),
        ({"from": 200}, "bcd"),
        ({"to": 300}, "ab"),
        ({"from": 200, "to": 400}, "bc"),
        ({"from": 200, "to": 200}, ""),
        ({"actor": "nobody"}, ""),
        ({"actor": "olga", "from": 200, "action": pb.AUDIT_ACTION_RETRY}, "c"),
    ],
)
def test_all_conditions_given_must_hold(audit: RunningAudit, conditions: dict[str, Any], expected: str) -> None:
    audit.append(
        an_entry(event_id="a", job_id="j-1", happened_at=100, request_id="r-1"),
        an_entry(event_id="b", job_id="j-2", happened_at=200, actor="otto", action=pb.AUDIT_ACTION_CANCEL),
        an_entry(event_id="c", job_id="", happened_at=300, request_id="r-1"),
        an_entry(event_id="d", job_id="j-1", happened_at=400, actor="otto", queue="notifications"),
    )

    answer = audit.list(**conditions)

    assert "".join(e.event_id for e in reversed(answer.data)) == expected
    assert answer.pagination.total == len(expected)


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        ({"page": 0}, "page"),
        ({"page_size": 101}, "pageSize"),
        ({"queue": "No Queue"}, "queue"),
        ({"job_id": "a b"}, "jobId"),
        ({"from": -1}, "from"),
        ({"to": 253402300800000}, "to"),
        ({"from": 2, "to": 1}, "from"),
        ({"action": 99}, "action"),
        ({"actor": "a\0"}, "actor"),
        ({"request_id": "a b"}, "requestId"),
    ],
)
def test_a_condition_out_of_range_is_named(audit: RunningAudit, conditions: dict[str, Any], field: str) -> None:
    error = refused(audit.operator.ListEntries, pb.ListEntriesRequest(**conditions))

    assert (error.reason, [f.field for f in error.fields]) == ("INVALID_REQUEST", [field])


NARROW = [
    Filter(queue="tickets", job_id="j-5"),
    Filter(queue="notifications"),
    Filter(actor="a-5"),
    Filter(action="DRAIN"),
    Filter(request_id="r-5"),
    Filter(from_ms=5_000, to_ms=5_010),
]


def test_a_narrow_search_of_many_records_reads_an_index(audit: RunningAudit, database_url: str) -> None:
    for start in range(0, 4000, 500):
        numbers = range(start, start + 500)
        entries = (an_entry(job_id=f"j-{n}", actor=f"a-{n}", request_id=f"r-{n}", happened_at=n * 2) for n in numbers)
        audit.append(*entries)

    plans = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE job_audit")
        for condition, name in product(NARROW, ("list_entries", "count_entries")):
            parameters = {**asdict(condition), "limit": 25, "offset": 0}
            lines = connection.execute("EXPLAIN " + query(name), parameters).fetchall()
            plans[condition, name] = "\n".join(line for (line,) in lines)

    assert {key: plan for key, plan in plans.items() if "Seq Scan" in plan or "Index" not in plan} == {}


def test_eight_shippers_at_once_leave_one_chain_without_holes(audit: RunningAudit) -> None:
    threads = [
        threading.Thread(target=lambda: [audit.append(an_entry(), an_entry(), an_entry()) for _ in range(10)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    verified = audit.verify()
    ids = {entry.id for page in (1, 2, 3) for entry in audit.list(page=page, page_size=100).data}
    assert (verified.intact, verified.checked) == (True, 240)
    assert ids == set(range(1, 241))


def test_the_same_record_from_eight_shippers_at_once_is_kept_once(audit: RunningAudit) -> None:
    entry, results = an_entry(), []
    barrier = threading.Barrier(8)

    def ship() -> None:
        barrier.wait()
        results.append(audit.append(entry))

    threads = [threading.Thread(target=ship) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [0] * 7 + [1]


def test_a_deadline_that_passes_is_answered_as_one(audit: RunningAudit, database_url: str) -> None:
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE job_audit IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(grpc.RpcError):
            audit.operator.ListEntries(pb.ListEntriesRequest(), timeout=0.3)

    assert audit.list().pagination.total == 0


def test_a_lock_held_by_somebody_is_unavailable_with_a_delay(audit: RunningAudit, database_url: str) -> None:
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE job_audit IN ACCESS EXCLUSIVE MODE")

        error = refused(audit.shipper.AppendEntries, pb.AppendEntriesRequest(entries=[an_entry()]))

    assert (error.reason, error.retry_after_ms) == ("UNAVAILABLE", 1_000)

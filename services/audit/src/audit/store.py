"""The ledger in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from audit import ledger, sql
from audit.database import Database
from audit.ledger import Entry, Head, NewEntry
from audit.progress import Progress

CHAIN_BATCH = 1_000  # records in memory at a time; each has at most 1 MiB of detail, nearly all have next to none


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What records must have; None does not count. `from_ms` is included, `to_ms` is not."""

    queue: str | None = None
    job_id: str | None = None
    actor: str | None = None
    action: str | None = None
    request_id: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """How many records were new, and the chain's end behind them."""

    count: int
    head: Head


class AuditStore:
    """Its methods raise DatabaseAway while PostgreSQL is away, psycopg.errors.QueryCanceled when it takes too long."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append_entries(self, entries: Sequence[NewEntry]) -> Appended:
        """Record what is new; raises EntryConflict, and appends nothing, if an event is known with other content."""
        with self._database.transaction() as connection:
            connection.execute(sql.query("lock_chain"))
            head, now_ms = _head(connection)
            new = ledger.unknown(entries, _known(connection, [entry.event_id for entry in entries]))
            linked = list(ledger.link(new, head, recorded_at_ms=now_ms))
            with connection.cursor() as cursor:
                cursor.executemany(sql.query("append_entry"), [asdict(entry) for entry in linked])
        return Appended(len(linked), Head(linked[-1].id, linked[-1].hash) if linked else head)

    def list_entries(self, condition: Filter, *, page: int, page_size: int) -> tuple[list[Entry], int]:
        """One page of what matches, newest first, and how many match in all; pages count from 1."""
        parameters = {**asdict(condition), "limit": page_size, "offset": (page - 1) * page_size}
        with self._database.transaction() as connection:
            connection.execute(sql.query("begin_snapshot"))
            total = connection.execute(sql.query("count_entries"), parameters).fetchone()
            with connection.cursor(row_factory=class_row(Entry)) as cursor:
                found = cursor.execute(sql.query("list_entries"), parameters).fetchall()
        return found, int(total.total) if total else 0

    def verify_chain(self, *, keep_going: Callable[[], bool], begin_after_ms: int | None = None) -> Progress:
        """Go on verifying where the last look ended, in little memory, until `keep_going`, asked now and then, says no.

        A whole pass that began more than `begin_after_ms` ago is followed by the next.
        """
        with self._database.transaction() as connection:
            progress = _progress(connection.execute(sql.query("lock_verification")).fetchone())
            end, now_ms = _head(connection)
            is_due = progress.whole and begin_after_ms is not None and now_ms - progress.began_at_ms >= begin_after_ms
            if is_due or not progress.began_at_ms or not _is_there(connection, progress.place):
                progress = progress.again(now_ms)
            chain = _chain(connection, progress.place, keep_going)
            found = ledger.verify(chain, start=progress.place, witness=progress.witness)
            progress = progress.after(found, end=end.id, now_ms=now_ms)
            connection.execute(sql.query("save_verification"), _columns(progress))
        return progress

    def read_verification(self) -> tuple[Progress, int]:
        """How far the chain was verified, and how many records it has."""
        with self._database.transaction() as connection:
            progress = _progress(connection.execute(sql.query("read_verification")).fetchone())
            return progress, _head(connection)[0].id


def _head(connection: psycopg.Connection[Any]) -> tuple[Head, int]:
    row: Any = connection.execute(sql.query("read_head")).fetchone()
    return (ledger.EMPTY if row.id is None else Head(row.id, row.hash)), row.now_ms


def _known(connection: psycopg.Connection[Any], event_ids: list[str]) -> list[Entry]:
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(sql.query("find_entries"), {"event_ids": event_ids}).fetchall()


def _chain(connection: psycopg.Connection[Any], start: Head, keep_going: Callable[[], bool]) -> Iterator[Entry]:
    with connection.cursor("chain", row_factory=class_row(Entry)) as cursor:
        cursor.execute(sql.query("read_chain"), {"after": start.id})
        while batch := cursor.fetchmany(CHAIN_BATCH):
            yield from batch
            if not keep_going():
                return


def _is_there(connection: psycopg.Connection[Any], place: Head) -> bool:
    """The record is what it was when it was verified."""
    if place == ledger.EMPTY:
        return True
    row: Any = connection.execute(sql.query("find_hash"), {"id": place.id}).fetchone()
    return row is not None and row.hash == place.hash


def _progress(row: Any) -> Progress:
    return Progress(
        place=_head_of(row.place_id, row.place_hash),
        began_at_ms=row.began_at_ms,
        whole=row.whole,
        whole_at_ms=row.whole_at_ms,
        witness=_head_of(row.witness_id, row.witness_hash),
        witness_at_ms=row.witness_at_ms,
        broken_at=row.broken_at,
        broken_since_ms=row.broken_since_ms,
    )


def _head_of(id_: int, digest: bytes) -> Head:
    return Head(id_, digest) if id_ else ledger.EMPTY


def _columns(progress: Progress) -> dict[str, Any]:
    place, witness = progress.place, progress.witness
    return {
        "place_id": place.id,
        "place_hash": place.hash,
        "began_at_ms": progress.began_at_ms,
        "whole": progress.whole,
        "whole_at_ms": progress.whole_at_ms,
        "witness_id": witness.id,
        "witness_hash": witness.hash,
        "witness_at_ms": progress.witness_at_ms,
        "broken_at": progress.broken_at,
        "broken_since_ms": progress.broken_since_ms,
    }

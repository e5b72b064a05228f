"""The ledger in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from audit import ledger, sql
from audit.database import Database
from audit.ledger import Entry, Head, NewEntry, Verification

CHAIN_BATCH = 1_000  # records in memory at a time; each has at most 1 MiB of detail, nearly all have next to none


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What records must have; None does not count. `from_ms` is included, `to_ms` is not."""

    queue: str | None = None
    job_id: str | None = None
    actor: str | None = None
    action: str | None = None
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

    def verify_chain(self, *, keep_going: Callable[[], None]) -> Verification:
        """Check the chain as it stands now, in bounded memory; `keep_going` is called now and then and may raise."""
        with self._database.transaction() as connection:
            return ledger.verify(_chain(connection, keep_going))


def _head(connection: psycopg.Connection[Any]) -> tuple[Head, int]:
    row: Any = connection.execute(sql.query("read_head")).fetchone()
    return (ledger.EMPTY if row.id is None else Head(row.id, row.hash)), row.now_ms


def _known(connection: psycopg.Connection[Any], event_ids: list[str]) -> list[Entry]:
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(sql.query("find_entries"), {"event_ids": event_ids}).fetchall()


def _chain(connection: psycopg.Connection[Any], keep_going: Callable[[], None]) -> Iterator[Entry]:
    with connection.cursor("chain", row_factory=class_row(Entry)) as cursor:
        cursor.execute(sql.query("read_chain"))
        while batch := cursor.fetchmany(CHAIN_BATCH):
            keep_going()
            yield from batch

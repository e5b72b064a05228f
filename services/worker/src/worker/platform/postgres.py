"""The platform in its own PostgreSQL database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from worker.platform.contract import (
    Appointment,
    Channel,
    Claim,
    Ending,
    Person,
    PlatformUnavailable,
    Quote,
    Role,
    Ticket,
)
from worker.shield import undisturbed

QUERIES = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "queries").glob("*.sql")}
CLAIM_SECONDS = 20.0  # below the lease, so that the run after a crash need not wait for the dead one's claim
SENDING_SECONDS = 30.0  # above the longest wait for a mail server's last word

T = TypeVar("T")


class PostgresPlatform:
    """Platform over a pool of connections; thread-safe. Connects when first asked and again whenever that is needed."""

    def __init__(self, database_url: str, *, connections: int = 8, timeout_seconds: float = 5.0) -> None:
        limit_ms = round(timeout_seconds * 1000)
        self._pool = ConnectionPool(
            database_url,
            min_size=0,
            max_size=connections,
            open=True,
            timeout=timeout_seconds,
            check=ConnectionPool.check_connection,  # a restarted server leaves dead connections in the pool
            reconnect_timeout=0,  # each caller's own attempt decides, none waits for an earlier one's backoff
            kwargs={
                "autocommit": True,  # every query is a transaction of its own
                "connect_timeout": max(2, round(timeout_seconds)),
                "options": f"-c statement_timeout={limit_ms} -c lock_timeout={limit_ms}",
                "application_name": "jobqueue-worker",
            },
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def list_people(self, person_ids: Collection[str]) -> list[Person]:
        """See Platform."""
        return [person(row) for row in self._rows("list_people", _Row, person_ids=list(person_ids))]

    def list_members(self, landlord_id: str, roles: Collection[Role]) -> list[Person]:
        """See Platform."""
        rows = self._rows("list_members", _Row, landlord_id=landlord_id, roles=list(roles))
        return [person(row) for row in rows]

    def get_ticket(self, ticket_id: str) -> Ticket | None:
        """See Platform."""
        return self._row("get_ticket", Ticket, ticket_id=ticket_id)

    def get_quote(self, quote_id: str) -> Quote | None:
        """See Platform."""
        return self._row("get_quote", Quote, quote_id=quote_id)

    def get_appointment(self, appointment_id: str, *, cause: str) -> Appointment | None:
        """See Platform."""
        return self._row("get_appointment", Appointment, appointment_id=appointment_id, cause=cause)

    def start_appointment(self, appointment_id: str, *, starts_at: datetime, cause: str) -> bool:
        """See Platform."""
        return self._count("start_appointment", appointment_id=appointment_id, starts_at=starts_at, cause=cause) > 0

    def escalate_tickets(self, day: date, *, limit: int) -> int:
        """See Platform."""
        return self._count("escalate_tickets", cause=escalation(day), limit=limit)

    def list_escalated_tickets(self, day: date) -> Sequence[Ticket]:
        """See Platform."""
        return self._rows("list_escalated_tickets", Ticket, cause=escalation(day))

    def claim_delivery(self, notification_id: str, *, recipient_id: str, channel: Channel, claim_id: UUID) -> Claim:
        """See Platform."""
        claimed = self._count(
            "claim_delivery",
            notification_id=notification_id,
            recipient_id=recipient_id,
            channel=channel,
            claim_id=claim_id,
            claim_seconds=CLAIM_SECONDS,
        )
        if claimed:
            return Claim.YOURS
        found = self._row("get_delivery", _Row, notification_id=notification_id)
        if found is None or found["held"]:
            return Claim.BUSY
        return {"delivered": Claim.DELIVERED, "sending": Claim.UNKNOWN}.get(found["state"], Claim.BUSY)

    def commit_delivery(self, notification_id: str, *, claim_id: UUID) -> bool:
        """See Platform."""
        which = {"notification_id": notification_id, "claim_id": claim_id}
        return self._count("commit_delivery", **which, claim_seconds=SENDING_SECONDS) > 0

    def release_delivery(self, notification_id: str, *, claim_id: UUID) -> None:
        """See Platform."""
        self._count("release_delivery", notification_id=notification_id, claim_id=claim_id)

    def finish_delivery(self, notification_id: str, ending: Ending, *, claim_id: UUID, detail: str) -> None:
        """See Platform."""
        which = {"notification_id": notification_id, "claim_id": claim_id}
        self._count("finish_delivery", **which, ending=ending, detail=detail)

    def add_in_app_notification(self, recipient_id: str, *, cause: str, subject: str | None, message: str) -> None:
        """See Platform."""
        row = {"recipient_id": recipient_id, "cause": cause, "subject": subject, "message": message}
        self._count("add_in_app_notification", **row)

    def _row(self, query: str, kind: type[T], **parameters: Any) -> T | None:
        return next(iter(self._rows(query, kind, **parameters)), None)

    def _rows(self, query: str, kind: type[T], **parameters: Any) -> list[T]:
        with self._connection() as connection, connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(QUERIES[query], parameters).fetchall()

    def _count(self, query: str, **parameters: Any) -> int:
        with self._connection() as connection:
            return connection.execute(QUERIES[query], parameters).rowcount

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with undisturbed(), self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise PlatformUnavailable(f"the platform's database: {error}") from error


class _Row(dict[str, Any]):
    """A row as it is."""


def person(row: Mapping[str, Any]) -> Person:
    """A person from a row."""
    return Person(**{**row, "channels": tuple(Channel(channel) for channel in row["channels"])})


def escalation(day: date) -> str:
    """The cause that a day's escalations carry in the timeline."""
    return f"ticket-escalate-{day.isoformat()}"

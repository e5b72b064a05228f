"""The platform's backend, as far as the demo needs it: it writes its own tables, then hands jobs over by REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

INSERT_CONTRACTOR = "INSERT INTO platform.users (user_id, name, email) VALUES (%s, %s, %s)"
INSERT_TICKET = """
INSERT INTO platform.tickets (ticket_id, property_id, created_by_id, title, status, created_at)
VALUES (%s, %s, %s, %s, %s, now() - make_interval(hours => %s))
"""
INSERT_QUOTE = "INSERT INTO platform.quotes (quote_id, ticket_id, contractor_id, amount) VALUES (%s, %s, %s, %s)"
APPROVE_QUOTE = "UPDATE platform.quotes SET status = 'APPROVED' WHERE quote_id = %s"
ASSIGN = "UPDATE platform.tickets SET assigned_to_id = %s WHERE ticket_id = %s"
SET_STATUS = "UPDATE platform.tickets SET status = %s, updated_at = now() WHERE ticket_id = %s"
GET_TICKET = "SELECT status, priority FROM platform.tickets WHERE ticket_id = %s"
INSERT_APPOINTMENT = """
INSERT INTO platform.appointments (appointment_id, ticket_id, tenant_id, contractor_id, starts_at)
VALUES (%s, %s, %s, %s, %s)
"""
MOVE_APPOINTMENT = "UPDATE platform.appointments SET starts_at = %s WHERE appointment_id = %s"
SET_EMAIL = "UPDATE platform.users SET email = %s WHERE user_id = %s"


class Backend:
    """The platform's own rows."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True, connect_timeout=5)

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def add_contractor(self, user_id: str, name: str, *, email: str) -> None:
        """A new contractor, told by e-mail."""
        self._run(INSERT_CONTRACTOR, user_id, name, email)

    def correct_email(self, user_id: str, email: str) -> None:
        """Somebody found out the right address."""
        self._run(SET_EMAIL, email, user_id)

    def open_ticket(self, ticket_id: str, title: str, *, property_id: str, by: str, hours_ago: int = 0) -> None:
        """A ticket comes in."""
        self._run(INSERT_TICKET, ticket_id, property_id, by, title, "OPEN", hours_ago)

    def take_quote(self, quote_id: str, ticket_id: str, *, contractor: str, amount: float) -> None:
        """A contractor quotes."""
        self._run(INSERT_QUOTE, quote_id, ticket_id, contractor, amount)
        self.set_status(ticket_id, "QUOTED")

    def approve(self, quote_id: str, ticket_id: str) -> None:
        """The landlord approves a quote."""
        self._run(APPROVE_QUOTE, quote_id)
        self.set_status(ticket_id, "APPROVED")

    def assign(self, ticket_id: str, contractor: str) -> None:
        """A contractor gets the ticket."""
        self._run(ASSIGN, contractor, ticket_id)
        self.set_status(ticket_id, "ASSIGNED")

    def schedule(self, appointment_id: str, ticket_id: str, *, tenant: str, contractor: str, at: datetime) -> None:
        """Tenant and contractor agree on a visit."""
        self._run(INSERT_APPOINTMENT, appointment_id, ticket_id, tenant, contractor, at)
        self.set_status(ticket_id, "SCHEDULED")

    def reschedule(self, appointment_id: str, at: datetime) -> None:
        """They agree on another time."""
        self._run(MOVE_APPOINTMENT, at, appointment_id)

    def set_status(self, ticket_id: str, status: str) -> None:
        """The ticket goes on."""
        self._run(SET_STATUS, status, ticket_id)

    def ticket(self, ticket_id: str) -> tuple[str, str]:
        """Status and priority."""
        row = self._connection.execute(GET_TICKET, (ticket_id,)).fetchone()
        if row is None:
            raise LookupError(ticket_id)
        return row[0], row[1]

    def _run(self, statement: str, *values: Any) -> None:
        self._connection.execute(statement.encode(), values)

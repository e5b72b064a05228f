"""Rows of the platform's own database that jobs are about, made for one test with ids of their own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import psycopg

LANDLORD, TENANT, CONTRACTOR = "landlord-hillside", "user-tom", "user-carl"


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket with a quote and a confirmed appointment."""

    ticket_id: str
    quote_id: str
    appointment_id: str
    starts_at: datetime


def a_case(database_url: str, *, starts_at: datetime, ticket_status: str = "SCHEDULED") -> Case:
    """Insert a ticket, its quote and its appointment."""
    mark = uuid.uuid4().hex[:12]
    case = Case(f"ticket-{mark}", f"quote-{mark}", f"appointment-{mark}", starts_at)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO platform.tickets (ticket_id, property_id, created_by_id, assigned_to_id, title, status)"
            " VALUES (%s, 'property-hill-1', %s, %s, 'A dripping tap', %s)",
            (case.ticket_id, TENANT, CONTRACTOR, ticket_status),
        )
        connection.execute(
            "INSERT INTO platform.quotes (quote_id, ticket_id, contractor_id, amount) VALUES (%s, %s, %s, 120)",
            (case.quote_id, case.ticket_id, CONTRACTOR),
        )
        connection.execute(
            "INSERT INTO platform.appointments (appointment_id, ticket_id, tenant_id, contractor_id, starts_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            (case.appointment_id, case.ticket_id, TENANT, CONTRACTOR, starts_at),
        )
    return case


def ticket_status(database_url: str, case: Case) -> str:
    """What the ticket's status is now."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT status FROM platform.tickets WHERE ticket_id = %s", (case.ticket_id,)
        ).fetchone()
    assert row is not None
    return str(row[0])

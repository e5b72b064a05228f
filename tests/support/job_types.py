"""The platform's eight job types with a payload for each, as the specification lists them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.platform import CONTRACTOR, LANDLORD, TENANT, Case


@dataclass(frozen=True, slots=True)
class Example:
    """How one type is enqueued, the id it must get, and a change that makes its payload unfit."""

    name: str
    queue: str
    payload: Callable[[Case], dict[str, Any]]
    job_id: Callable[[Case], str]
    missing: str


def _day(case: Case) -> str:
    # A day of its own for each case: the id of this type has nothing else in it.
    number = uuid.uuid5(uuid.NAMESPACE_OID, case.ticket_id).int
    return f"{2100 + number % 900}-{1 + number // 1000 % 12:02d}-{1 + number // 100_000 % 28:02d}"


EXAMPLES = (
    Example(
        "ticket.created",
        "tickets",
        lambda c: {
            "ticketId": c.ticket_id,
            "propertyId": "property-hill-1",
            "createdById": TENANT,
            "landlordId": LANDLORD,
        },
        lambda c: f"ticket-created-{c.ticket_id}",
        "landlordId",
    ),
    Example(
        "ticket.quoted",
        "tickets",
        lambda c: {
            "ticketId": c.ticket_id,
            "quoteId": c.quote_id,
            "contractorId": CONTRACTOR,
            "amount": 120,
            "landlordId": LANDLORD,
        },
        lambda c: f"ticket-quoted-{c.ticket_id}-{c.quote_id}",
        "quoteId",
    ),
    Example(
        "ticket.approved",
        "tickets",
        lambda c: {
            "ticketId": c.ticket_id,
            "quoteId": c.quote_id,
            "approvedBy": "user-lena",
            "landlordId": LANDLORD,
        },
        lambda c: f"ticket-approved-{c.ticket_id}-{c.quote_id}",
        "quoteId",
    ),
    Example(
        "ticket.assigned",
        "tickets",
        lambda c: {
            "ticketId": c.ticket_id,
            "assignedToId": CONTRACTOR,
            "assignedBy": "user-lena",
            "landlordId": LANDLORD,
        },
        lambda c: f"ticket-assigned-{c.ticket_id}-{CONTRACTOR}",
        "assignedToId",
    ),
    Example(
        "appointment.start",
        "tickets",
        lambda c: {
            "appointmentId": c.appointment_id,
            "ticketId": c.ticket_id,
            "startAt": c.starts_at.isoformat(),
        },
        lambda c: f"appointment-start-{c.appointment_id}",
        "startAt",
    ),
    Example(
        "appointment.reminder",
        "tickets",
        lambda c: {
            "appointmentId": c.appointment_id,
            "reminderType": "2h",
            "remindAt": c.starts_at.isoformat(),
        },
        lambda c: f"appointment-reminder-{c.appointment_id}-2h",
        "reminderType",
    ),
    Example(
        "ticket.escalate",
        "tickets",
        lambda c: {"day": _day(c)},
        lambda c: f"ticket-escalate-{_day(c)}",
        "",
    ),
    Example(
        "send-notification",
        "notifications",
        lambda c: {
            "type": "email",
            "recipientId": TENANT,
            "subject": "Your tap",
            "message": f"About {c.ticket_id}",
        },
        lambda _: "",
        "recipientId",
    ),
)

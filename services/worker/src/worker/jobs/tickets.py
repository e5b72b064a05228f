"""Jobs about tickets: who hears of which event, and the daily escalation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import Field

from queue_engine.domain.job_type import DefaultSchedule
from worker.context import JobContext
from worker.job_types import IMMEDIATE, SUBJECT, Payload, job_type
from worker.jobs.fan_out import notify
from worker.jobs.payloads import Id, Reference
from worker.platform.contract import Person, Platform, Role, Ticket

ESCALATION_STEP = 200


class TicketCreated(Payload):
    """A ticket was opened."""

    ticket_id: Id
    property_id: Reference
    created_by_id: Annotated[Reference, SUBJECT]
    landlord_id: Reference


@job_type("ticket.created", queue="tickets", version=2, id_template="ticket-created-{ticketId}")
def ticket_created(payload: TicketCreated, job: JobContext, platform: Platform) -> dict[str, Any]:
    """Tell the landlord's LANDLORD and OPS members."""
    people = platform.list_members(payload.landlord_id, [Role.LANDLORD, Role.OPS])
    title = title_of(platform.get_ticket(payload.ticket_id), payload.ticket_id)
    message = f"A new ticket was opened: {title}."
    return _told(job, people, subject=f"New ticket: {title}", message=message, ticket_id=payload.ticket_id)


class TicketQuoted(Payload):
    """A contractor named a price."""

    ticket_id: Id
    quote_id: Id
    contractor_id: Annotated[Reference, SUBJECT]
    amount: float = Field(ge=0, le=1e12)
    landlord_id: Reference


@job_type("ticket.quoted", queue="tickets", version=2, id_template="ticket-quoted-{ticketId}-{quoteId}")
def ticket_quoted(payload: TicketQuoted, job: JobContext, platform: Platform) -> dict[str, Any]:
    """Tell LANDLORD members that there is a quote to approve."""
    people = platform.list_members(payload.landlord_id, [Role.LANDLORD])
    title = title_of(platform.get_ticket(payload.ticket_id), payload.ticket_id)
    message = f"A quote over {payload.amount:,.2f} for {title} waits for your approval."
    return _told(job, people, subject=f"Quote to approve: {title}", message=message, ticket_id=payload.ticket_id)


class TicketApproved(Payload):
    """A quote was approved."""

    ticket_id: Id
    quote_id: Id
    approved_by: Annotated[Reference, SUBJECT]
    landlord_id: Reference


@job_type("ticket.approved", queue="tickets", version=2, id_template="ticket-approved-{ticketId}-{quoteId}")
def ticket_approved(payload: TicketApproved, job: JobContext, platform: Platform) -> dict[str, Any]:
    """Tell the contractor who made the quote and the ticket's creator."""
    quote = platform.get_quote(payload.quote_id)
    ticket = platform.get_ticket(payload.ticket_id)
    people = platform.list_people(
        [person for person in (quote and quote.contractor_id, ticket and ticket.created_by_id) if person]
    )
    title = title_of(ticket, payload.ticket_id)
    message = f"The quote for {title} was approved."
    return _told(job, people, subject=f"Quote approved: {title}", message=message, ticket_id=payload.ticket_id)


class TicketAssigned(Payload):
    """A contractor got the ticket. `assignmentId` tells a repeated assignment of the same one apart."""

    ticket_id: Id
    assigned_to_id: Annotated[Id, SUBJECT]
    assigned_by: Annotated[Reference, SUBJECT]
    landlord_id: Reference
    assignment_id: Id | None = None


@job_type(
    "ticket.assigned",
    queue="tickets",
    version=2,
    id_template="ticket-assigned-{ticketId}-{assignedToId}[-{assignmentId}]",
)
def ticket_assigned(payload: TicketAssigned, job: JobContext, platform: Platform) -> dict[str, Any]:
    """Tell the contractor."""
    people = platform.list_people([payload.assigned_to_id])
    ticket = platform.get_ticket(payload.ticket_id)
    title = title_of(ticket, payload.ticket_id)
    message = f"You were assigned to {title}" + (f", {ticket.property_address}." if ticket else ".")
    return _told(job, people, subject=f"Assigned to you: {title}", message=message, ticket_id=payload.ticket_id)


class TicketEscalate(Payload):
    """Time to look for tickets that wait too long. Without `day` (UTC) it is the day on which the job was enqueued."""

    day: date | None = None


@job_type(
    "ticket.escalate",
    queue="tickets",
    version=2,
    id_template="[ticket-escalate-{day}]",
    settling=IMMEDIATE,
    timeout_ms=600_000,
    schedule=DefaultSchedule("ticket-escalate", "0 6 * * *", data='{"day": "{date}"}'),
)
def ticket_escalate(payload: TicketEscalate, job: JobContext, platform: Platform) -> dict[str, Any]:
    """Raise tickets OPEN or TRIAGED for over 24 h by one priority, once a day each, and tell their landlords' OPS.

    A second run raises none again and completes the notifications of the first.
    """
    day = payload.day or datetime.fromtimestamp(job.created_at_ms / 1000, UTC).date()
    raised = 0
    while step := platform.escalate_tickets(day, limit=ESCALATION_STEP):
        raised += step
        job.progress({"raised": raised})
    operators: dict[str, list[Person]] = {}
    tickets = platform.list_escalated_tickets(day)
    for ticket in tickets:
        if ticket.landlord_id not in operators:
            operators[ticket.landlord_id] = platform.list_members(ticket.landlord_id, [Role.OPS])
        notify(
            job,
            operators[ticket.landlord_id],
            subject=f"Escalated to {ticket.priority}: {ticket.title}",
            message=f"{ticket.title} has waited for over 24 hours and is {ticket.priority} now.",
            ticket_id=ticket.ticket_id,
            cause=f"ticket-escalate-{day}-{ticket.ticket_id}",
        )
    return {"day": day.isoformat(), "raised": raised, "tickets": [ticket.ticket_id for ticket in tickets]}


def title_of(ticket: Ticket | None, ticket_id: str) -> str:
    """What people call the ticket."""
    return ticket.title if ticket else f"ticket {ticket_id}"


def _told(job: JobContext, people: list[Person], *, subject: str, message: str, ticket_id: str) -> dict[str, Any]:
    return {"notified": notify(job, people, subject=subject, message=message, ticket_id=ticket_id)}

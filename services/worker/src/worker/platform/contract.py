"""What the jobs need of the property-management platform: people, tickets, appointments, a record of deliveries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from worker.failures import Defer


class PlatformUnavailable(Defer):
    """The platform's database does not answer; the outcome of the call is unknown and repeating it is safe.

    A job that meets it waits without losing an attempt.
    """


class Role(StrEnum):
    """What a person is to a landlord."""

    LANDLORD = "LANDLORD"
    OPS = "OPS"
    TENANT = "TENANT"
    CONTRACTOR = "CONTRACTOR"


class Channel(StrEnum):
    """How a notification reaches a person."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the platform. `channels` are the ways this person wants to be told; an address may be missing."""

    person_id: str
    name: str
    channels: tuple[Channel, ...]
    email: str | None = None
    phone: str | None = None
    push_token: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Where the channel reaches this person."""
        return {Channel.EMAIL: self.email, Channel.SMS: self.phone, Channel.PUSH: self.push_token}[channel]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request for maintenance."""

    ticket_id: str
    title: str
    property_address: str
    landlord_id: str
    created_by_id: str
    priority: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A contractor's price for a ticket."""

    quote_id: str
    ticket_id: str
    contractor_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Appointment:
    """A visit agreed for a ticket, with that ticket's state. `started`: the asking job began it before."""

    appointment_id: str
    ticket_id: str
    ticket_title: str
    ticket_status: str
    landlord_id: str
    tenant_id: str | None
    contractor_id: str | None
    status: str
    starts_at: datetime
    started: bool


class Claim(StrEnum):
    """Answer to a run that wants to deliver a notification."""

    YOURS = "yours"
    DELIVERED = "delivered"  # an earlier run did it
    BUSY = "busy"  # another run is at it
    UNKNOWN = "unknown"  # an earlier run ended while the message was leaving, and the channel cannot tell repeats


class Ending(StrEnum):
    """How a claimed delivery ended."""

    DELIVERED = "delivered"
    SKIPPED = "skipped"
    REFUSED = "refused"


class Platform(Protocol):
    """Every method may raise PlatformUnavailable. Each writing one is a transaction of its own and safe to repeat."""

    def list_people(self, person_ids: Collection[str]) -> list[Person]:
        """Those of them that exist, by id."""

    def list_members(self, landlord_id: str, roles: Collection[Role]) -> list[Person]:
        """A landlord's people with any of the roles, each once, by id."""

    def get_ticket(self, ticket_id: str) -> Ticket | None:
        """A ticket, None when there is none."""

    def get_quote(self, quote_id: str) -> Quote | None:
        """A quote, None when there is none."""

    def get_appointment(self, appointment_id: str, *, cause: str) -> Appointment | None:
        """An appointment; `started` is about a timeline entry of `cause`."""

    def start_appointment(self, appointment_id: str, *, starts_at: datetime, cause: str) -> bool:
        """Move its ticket SCHEDULED -> IN_PROGRESS with a timeline entry of `cause`, all or nothing.

        False, and nothing is changed, unless the appointment is CONFIRMED for `starts_at` and the ticket SCHEDULED.
        """

    def escalate_tickets(self, day: date, *, limit: int) -> int:
        """Raise up to `limit` tickets OPEN or TRIAGED for over 24 h by one priority; returns how many.

        A ticket rises at most once a `day`, at most to URGENT, and its timeline says so.
        """

    def list_escalated_tickets(self, day: date) -> Sequence[Ticket]:
        """The tickets raised that day, by id."""

    def claim_delivery(self, notification_id: str, *, recipient_id: str, channel: Channel, claim_id: UUID) -> Claim:
        """Ask for the right to deliver now; it lasts 20 s. A skipped or refused delivery may be tried again."""

    def commit_delivery(self, notification_id: str, *, claim_id: UUID) -> bool:
        """Note that the message is about to leave for good; False when the claim ran out."""

    def release_delivery(self, notification_id: str, *, claim_id: UUID) -> None:
        """Give the claim back: nothing was delivered."""

    def finish_delivery(self, notification_id: str, ending: Ending, *, claim_id: UUID, detail: str) -> None:
        """Note how it ended."""

    def add_in_app_notification(self, recipient_id: str, *, cause: str, subject: str | None, message: str) -> None:
        """Show a notification inside the platform; once per recipient and cause."""

"""What happens on the demo's working day, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.demo.backend import Backend
from local.demo.rest import Rest

LANDLORD, LANDLORDS_HAND = "landlord-hillside", "user-lena"
TOM, TINA, CARL = "user-tom", "user-tina", "user-carl"


@dataclass(frozen=True, slots=True)
class Names:
    """Ids of one run; all contain its mark, so that runs on kept data do not meet."""

    mark: str

    def __getitem__(self, what: str) -> str:
        """For example `ticket-1` of run 66f0: `ticket-1-66f0`."""
        return f"{what}-{self.mark}"


class WorkingDay:
    """Backend and operator at work. `say` shows each step as it is taken."""

    def __init__(self, names: Names, backend: Backend, *, service: Rest, ops: Rest, say: Callable[[str], None]) -> None:
        self.names, self._backend, self._service, self._ops, self._say = names, backend, service, ops, say
        self.repeat_created = True
        self.starts: dict[str, datetime] = {}

    def morning(self) -> None:
        """Tickets come in and find their contractors; Cora's mail provider refuses her mails."""
        cora = self.names["cora"]
        self._backend.add_contractor(cora, "Cora Contractor", email=f"{cora}@refused.example")
        self._say("Tom's tap drips: created, quoted, approved, assigned to Carl")
        self._work_through("ticket-1", "Dripping tap", property_id="property-hill-1", tenant=TOM, amount=120.0)
        self._say("Tina's radiator stays cold: created, quoted, approved, assigned to Carl")
        self._work_through("ticket-2", "Cold radiator", property_id="property-hill-2", tenant=TINA, amount=480.5)
        self._say("a lock is broken: created, assigned to Cora, whose mail provider refuses her address")
        self._open("ticket-3", "Broken lock", property_id="property-dale-7", tenant=TOM)
        self._assign("ticket-3", cora)
        self._say("the backend is unsure whether it was heard and repeats a call")
        self.repeat_created = self._created("ticket-1", "property-hill-1", TOM)["created"]
        self._notify("note-1", recipientId=cora, type="email", subject="Welcome", message="Your first ticket is here.")
        self._notify("note-2", recipientId=TOM, type="push", subject="Lock", message="We look for a locksmith.")

    def noon(self) -> None:
        """Visits are agreed, one is moved; a ticket that nobody took is escalated."""
        soon = datetime.now(UTC) + timedelta(seconds=8)
        self._say(f"Carl visits Tom at {soon:%H:%M:%S} UTC; a reminder comes before")
        self._schedule("ticket-1", TOM, at=soon)
        self._remind("ticket-1", "2h", at=soon - timedelta(seconds=6))
        self._say("Carl visits Tina tomorrow ... no, they move it to today: the job is replaced")
        self._schedule("ticket-2", TINA, at=soon + timedelta(days=1))
        self._remind("ticket-2", "24h", at=soon + timedelta(hours=1))
        self._reschedule("ticket-2", at=soon + timedelta(seconds=2))
        self._say("a lamp has flickered since yesterday and nobody took the ticket: it is escalated")
        lamp = self.names["ticket-4"]
        self._backend.open_ticket(lamp, "Flickering lamp", property_id="property-dale-7", by=TINA, hours_ago=30)
        self._service.enqueue("tickets", "ticket.escalate", {}, jobId=self.names["escalate"])

    def afternoon(self) -> None:
        """OPS cancels a reminder of no use any more and retries a dead notification once its cause is gone."""
        self._say("OPS cancels the reminder of the visit that was moved")
        reminder = f"appointment-reminder-{self.appointment('ticket-2')}-24h"
        self._ops.post(f"/jobs/queues/tickets/{reminder}/cancel", {"reason": "the visit was moved to today"})
        self._say("OPS corrects Cora's address and retries her dead notification")
        cora = self.names["cora"]
        self._backend.correct_email(cora, f"{cora}@tools.example")
        entry = f"notifications:{self.refused_notification()}"
        self._ops.post(f"/jobs/queues/dead-letter/{entry}/retry", {"reason": "the address was corrected"})

    def evening(self) -> None:
        """Leave no ticket behind that the next run's escalation would find."""
        for ticket in ("ticket-3", "ticket-4"):
            self._backend.set_status(self.names[ticket], "COMPLETED")

    def tickets(self) -> Iterator[tuple[str, str, str]]:
        """(ticket, status, priority) of each, from the platform's own table."""
        for what in ("ticket-1", "ticket-2", "ticket-4"):
            yield what, *self._backend.ticket(self.names[what])

    def appointment(self, ticket: str) -> str:
        """Id of a ticket's appointment."""
        return f"visit-of-{self.names[ticket]}"

    def refused_notification(self) -> str:
        """Id of the notification that tells Cora of her ticket."""
        ticket, cora = self.names["ticket-3"], self.names["cora"]
        return f"ticket-assigned-{ticket}-{cora}-{cora}-email"

    def _work_through(self, ticket: str, title: str, *, property_id: str, tenant: str, amount: float) -> None:
        self._open(ticket, title, property_id=property_id, tenant=tenant)
        ticket_id, quote_id = self.names[ticket], f"quote-of-{self.names[ticket]}"
        ids = {"ticketId": ticket_id, "quoteId": quote_id, "landlordId": LANDLORD}
        self._backend.take_quote(quote_id, ticket_id, contractor=CARL, amount=amount)
        self._service.enqueue("tickets", "ticket.quoted", {**ids, "contractorId": CARL, "amount": amount})
        self._backend.approve(quote_id, ticket_id)
        self._service.enqueue("tickets", "ticket.approved", {**ids, "approvedBy": LANDLORDS_HAND})
        self._assign(ticket, CARL)

    def _open(self, ticket: str, title: str, *, property_id: str, tenant: str) -> None:
        self._backend.open_ticket(self.names[ticket], title, property_id=property_id, by=tenant)
        self._created(ticket, property_id, tenant)

    def _created(self, ticket: str, property_id: str, tenant: str) -> dict[str, bool]:
        ids = {"propertyId": property_id, "createdById": tenant, "landlordId": LANDLORD}
        answer: dict[str, bool] = self._service.enqueue(
            "tickets", "ticket.created", {"ticketId": self.names[ticket], **ids}
        )
        return answer

    def _assign(self, ticket: str, contractor: str) -> None:
        self._backend.assign(self.names[ticket], contractor)
        ids = {"ticketId": self.names[ticket], "assignedToId": contractor, "landlordId": LANDLORD}
        self._service.enqueue("tickets", "ticket.assigned", {**ids, "assignedBy": LANDLORDS_HAND})

    def _schedule(self, ticket: str, tenant: str, *, at: datetime) -> None:
        appointment = self.appointment(ticket)
        self._backend.schedule(appointment, self.names[ticket], tenant=tenant, contractor=CARL, at=at)
        self._start(ticket, at)

    def _reschedule(self, ticket: str, *, at: datetime) -> None:
        self._backend.reschedule(self.appointment(ticket), at)
        self._start(ticket, at, ifExists="replace")

    def _start(self, ticket: str, at: datetime, **opts: str) -> None:
        self.starts[ticket] = at
        data = {"appointmentId": self.appointment(ticket), "ticketId": self.names[ticket], "startAt": at.isoformat()}
        self._service.enqueue("tickets", "appointment.start", data, **opts)

    def _remind(self, ticket: str, kind: str, *, at: datetime) -> None:
        data = {"appointmentId": self.appointment(ticket), "reminderType": kind, "remindAt": at.isoformat()}
        self._service.enqueue("tickets", "appointment.reminder", data)

    def _notify(self, what: str, **payload: str) -> None:
        self._service.enqueue("notifications", "send-notification", payload, jobId=self.names[what])

"""Jobs about appointments: a visit begins, a visit is near."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from worker.context import JobContext
from worker.failures import Defer
from worker.job_types import IMMEDIATE, Payload, job_type
from worker.jobs.fan_out import notify
from worker.jobs.payloads import Id, Reference
from worker.platform.contract import Appointment, Person, Platform, Role

CONFIRMED, SCHEDULED = "CONFIRMED", "SCHEDULED"
MAX_AGE_MS = 30 * 86_400_000  # an appointment that moved by weeks is waited for
AGAIN_SECONDS = 1.0


class AppointmentStart(Payload):
    """A visit begins at `startAt` (ISO 8601)."""

    appointment_id: Id
    ticket_id: Reference
    start_at: AwareDatetime


@job_type(
    "appointment.start",
    queue="tickets",
    id_template="appointment-start-{appointmentId}",
    due_field="startAt",
    settling=IMMEDIATE,
    max_age_ms=MAX_AGE_MS,
)
def appointment_start(payload: AppointmentStart, job: JobContext, platform: Platform) -> dict[str, Any]:
    """Move the ticket SCHEDULED -> IN_PROGRESS exactly once, then tell tenant, contractor and landlord."""
    cause = cause_of(job, payload.start_at)
    appointment = platform.get_appointment(payload.appointment_id, cause=cause)
    if appointment is None:
        return _skipped(job, "there is no such appointment")
    if not appointment.started:
        if reason := why_not_started(payload, appointment, now=datetime.now(UTC)):
            return _skipped(job, reason)
        if not platform.start_appointment(payload.appointment_id, starts_at=payload.start_at, cause=cause):
            raise Defer("appointment or ticket changed in this moment", seconds=AGAIN_SECONDS)
    told = notify(
        job,
        people_of(platform, appointment),
        subject=f"Visit begins: {appointment.ticket_title}",
        message=f"The visit for {appointment.ticket_title} begins; work is in progress.",
        ticket_id=appointment.ticket_id,
        cause=cause,
    )
    return {"outcome": "started", "notified": told}


def why_not_started(payload: AppointmentStart, appointment: Appointment, *, now: datetime) -> str | None:
    """Why this job does not begin the visit, None when it does. Raises Defer when its time moved and is to come."""
    if appointment.ticket_id != payload.ticket_id:
        return f"the appointment belongs to ticket {appointment.ticket_id}"
    if appointment.status != CONFIRMED:
        return f"the appointment is {appointment.status}"
    if appointment.starts_at != payload.start_at:
        wait = (appointment.starts_at - now).total_seconds()
        if wait <= 0:
            return f"the appointment was rescheduled to {appointment.starts_at.isoformat()}"
        raise Defer(f"the appointment was moved to {appointment.starts_at.isoformat()}", seconds=wait, jitter=False)
    if appointment.ticket_status != SCHEDULED:
        return f"the ticket is {appointment.ticket_status}, not {SCHEDULED}"
    return None


class ReminderType(StrEnum):
    """How long before the visit the reminder is meant to come."""

    DAY = "24h"
    HOURS = "2h"


class AppointmentReminder(Payload):
    """A visit is near; due at `remindAt` (ISO 8601)."""

    appointment_id: Id
    reminder_type: ReminderType
    remind_at: AwareDatetime


@job_type(
    "appointment.reminder",
    queue="tickets",
    id_template="appointment-reminder-{appointmentId}-{reminderType}",
    due_field="remindAt",
)
def appointment_reminder(payload: AppointmentReminder, job: JobContext, platform: Platform) -> dict[str, Any]:
    """Remind tenant, contractor and landlord of a visit that is still to come."""
    cause = cause_of(job, payload.remind_at)
    appointment = platform.get_appointment(payload.appointment_id, cause=cause)
    if appointment is None:
        return _skipped(job, "there is no such appointment")
    if appointment.status != CONFIRMED:
        return _skipped(job, f"the appointment is {appointment.status}")
    if appointment.starts_at <= datetime.now(UTC):
        return _skipped(job, "the visit has begun")
    told = notify(
        job,
        people_of(platform, appointment),
        subject=f"Visit to come: {appointment.ticket_title}",
        message=f"The visit for {appointment.ticket_title} is on {appointment.starts_at:%a %d %b %Y at %H:%M %Z}.",
        ticket_id=appointment.ticket_id,
        cause=cause,
    )
    return {"outcome": "reminded", "notified": told}


def cause_of(job: JobContext, due: datetime) -> str:
    """What timeline and notifications are keyed by: a job that was replaced with another time is another event."""
    return f"{job.job_id}-{round(due.timestamp() * 1000)}"


def people_of(platform: Platform, appointment: Appointment) -> list[Person]:
    """The tenant, the contractor and the landlord's LANDLORD members."""
    visitors = [person for person in (appointment.tenant_id, appointment.contractor_id) if person]
    return [*platform.list_people(visitors), *platform.list_members(appointment.landlord_id, [Role.LANDLORD])]


def _skipped(job: JobContext, reason: str) -> dict[str, Any]:
    job.log(f"skipped: {reason}")
    return {"outcome": "skipped", "reason": reason}

"""What the actions of the audit log are called."""

from __future__ import annotations

from dataclasses import dataclass

from jobqueue.audit.v1 import audit_service_pb2 as audit


@dataclass(frozen=True, slots=True)
class Deed:
    """An action. `title`: as a heading; `told`: behind the name of who did it."""

    title: str
    told: str


DEEDS = {
    audit.AUDIT_ACTION_RETRY: Deed("Retried", "retried it"),
    audit.AUDIT_ACTION_REMOVE: Deed("Removed", "removed it"),
    audit.AUDIT_ACTION_CANCEL: Deed("Cancel asked for", "cancelled it"),
    audit.AUDIT_ACTION_REPLACE: Deed("Replaced", "replaced it"),
    audit.AUDIT_ACTION_PAUSE: Deed("Queue paused", "paused the queue"),
    audit.AUDIT_ACTION_RESUME: Deed("Queue resumed", "resumed the queue"),
    audit.AUDIT_ACTION_ENQUEUE: Deed("Enqueued by hand", "enqueued it"),
    audit.AUDIT_ACTION_CANCEL_OUTCOME: Deed("Cancel came to its end", "saw the cancel end"),
    audit.AUDIT_ACTION_DRAIN: Deed("Worker drained", "drained the worker"),
    audit.AUDIT_ACTION_RESUME_WORKER: Deed("Worker resumed", "let the worker go on"),
    audit.AUDIT_ACTION_RESCHEDULE: Deed("Rescheduled", "rescheduled it"),
    audit.AUDIT_ACTION_ACCEPT_LOSS: Deed("Loss of the store accepted", "accepted that the store's jobs are gone"),
    audit.AUDIT_ACTION_SCHEDULE_UPSERT: Deed("Schedule made or changed", "made or changed the schedule"),
    audit.AUDIT_ACTION_SCHEDULE_PAUSE: Deed("Schedule paused", "paused the schedule"),
    audit.AUDIT_ACTION_SCHEDULE_RESUME: Deed("Schedule resumed", "resumed the schedule"),
    audit.AUDIT_ACTION_SCHEDULE_REMOVE: Deed("Schedule removed", "removed the schedule"),
    audit.AUDIT_ACTION_SCHEDULE_RUN: Deed("Made by a schedule run by hand", "ran the schedule that made it"),
    audit.AUDIT_ACTION_REPAIR: Deed("Repaired", "repaired it"),
    audit.AUDIT_ACTION_ERASE_SUBJECT: Deed("Person erased", "erased a person"),
    audit.AUDIT_ACTION_DISCARD: Deed("Discarded as one dead job too many", "discarded it as one dead job too many"),
}
UNKNOWN = Deed("Changed", "changed it")  # by a service newer than this one
WORDS = {number: name.removeprefix("AUDIT_ACTION_").lower() for name, number in audit.AuditAction.items()}
"""As REST says them."""


def deed_of(action: audit.AuditAction.ValueType) -> Deed:
    """What it is called."""
    return DEEDS.get(action, UNKNOWN)

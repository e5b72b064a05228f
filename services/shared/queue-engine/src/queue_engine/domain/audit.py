"""The record of a manual action, written by the same atomic call as the change itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """Who acts and why. `event_id` makes the record idempotent; bulk calls append `:<job id>` to it.

    Verified when the action was taken: `actor` is the token's `sub`, `issuer` its `iss`, `token_id` its `jti`.
    `request_id` names the call that asked for it, without a space.
    """

    event_id: str
    actor: str
    issuer: str = ""
    token_id: str = ""
    reason: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A self-contained record in a queue's audit stream; `entry_id` is its place in the stream.

    `action`: retry | remove | cancel | replace | pause | resume | enqueue | cancel_outcome | drain | resume_worker |
    reschedule | repair | erase_subject | schedule_upsert | schedule_pause | schedule_resume | schedule_remove |
    schedule_run.
    `detail` is a JSON object (for retry with edited data: old and new; for cancel_outcome: the outcome; for reschedule:
    oldDueAt and newDueAt, null when the job waits; for repair: finding and detail; for erase_subject: the ids of jobs
    removed and redacted, without the subject; for a schedule: its id, and what it
    was and is).
    """

    entry_id: str
    event_id: str
    queue: str
    job_id: str  # empty for an action on the queue
    action: str
    actor: str
    issuer: str
    token_id: str
    reason: str
    at_ms: int
    detail: str
    request_id: str  # empty: none is known

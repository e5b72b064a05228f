"""One event, many notifications: each becomes a job of its own whose id follows from event, recipient and channel."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from queue_engine.domain.errors import IdConflict
from worker.context import JobContext
from worker.jobs.notifications import SendNotification
from worker.platform.contract import Channel, Person

LONGEST_ID = 200
NO_ID_CHARACTER = re.compile(r"[^A-Za-z0-9._:-]")


def notify(
    job: JobContext, people: Iterable[Person], *, subject: str, message: str, ticket_id: str, cause: str | None = None
) -> list[str]:
    """Enqueue a notification for each person by each of their channels; returns `<person>:<channel>` of each.

    A second run of the same job finds its notifications there and adds none. `cause` is given when one job stands for
    several events; it is the job's id otherwise. A person named twice is told once.
    """
    cause = cause or job.job_id
    told: list[str] = []
    for person in {person.person_id: person for person in people}.values():
        for channel in person.channels:
            notification = SendNotification(
                type=channel,
                recipient_id=person.person_id,
                subject=subject,
                message=message,
                metadata={"cause": cause, "ticketId": ticket_id},
            )
            try:
                job.enqueue("send-notification", notification, job_id=notification_id(cause, person.person_id, channel))
            except IdConflict:
                # An earlier run handed it over, and what the text names was changed since.
                job.log(f"{person.person_id} was already told by {channel} in earlier words")
            told.append(f"{person.person_id}:{channel}")
    if not told:
        job.log("nobody to notify")
    return told


def notification_id(cause: str, person_id: str, channel: Channel) -> str:
    """The id of one person's notification; what would be no job id is made one, and told apart by a digest."""
    full = f"{cause}-{person_id}-{channel}"
    plain = NO_ID_CHARACTER.sub("_", full)
    if plain == full and len(full) <= LONGEST_ID:
        return full
    digest = hashlib.blake2b(full.encode(), digest_size=16).hexdigest()
    return f"{plain[: LONGEST_ID - len(digest) - 1]}-{digest}"

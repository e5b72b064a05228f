"""Jobs of the queue `notifications`: delivering one message to one person."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field

from service_kit import tracing
from worker.context import JobContext
from worker.delivery.contract import (
    DeliveryRefused,
    Message,
    OutcomeUnknown,
    ProviderUnavailable,
    Sender,
    Senders,
)
from worker.delivery.in_app import show_in_app
from worker.failures import Defer, Permanent
from worker.job_types import IMMEDIATE, SUBJECT, Payload, job_type
from worker.jobs.payloads import Reference
from worker.platform.contract import Channel, Claim, Ending, Platform

BUSY_SECONDS, OUTAGE_SECONDS = 5.0, 10.0
UNKNOWN = (
    "an earlier run ended while the message was leaving, so it may have arrived; it is not sent twice. "
    "If it did not arrive, enqueue it again under another id"
)


class SendNotification(Payload):
    """A message to a user of the platform by one channel."""

    type: Channel
    recipient_id: Annotated[Reference, SUBJECT]
    subject: str | None = Field(None, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    message: str = Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")
    metadata: dict[str, Any] | None = None


@job_type("send-notification", queue="notifications", version=2, settling=IMMEDIATE)
def send_notification(
    payload: SendNotification, job: JobContext, platform: Platform, senders: Senders
) -> dict[str, str]:
    """Deliver it at most once, however often this job runs."""
    recipient = next(iter(platform.list_people([payload.recipient_id])), None)
    if recipient is None:
        raise Permanent(f"the platform has no user {payload.recipient_id}")
    address = recipient.address(payload.type)
    message = Message(job.job_id, address or "", payload.subject, payload.message)
    show_in_app(platform, recipient, message, cause=(payload.metadata or {}).get("cause"))
    run = DeliveryRun(platform, job.job_id)
    match run.claim(recipient.person_id, payload.type):
        case Claim.DELIVERED:
            return {"outcome": "delivered", "by": "an earlier run"}
        case Claim.BUSY:
            raise Defer("another run is delivering it", seconds=BUSY_SECONDS)
        case Claim.UNKNOWN:
            raise Permanent(UNKNOWN)
        case Claim.YOURS if not address:
            return run.skip(f"{recipient.person_id} has no address for {payload.type}")
        case Claim.YOURS:
            with tracing.span(f"deliver {payload.type}", "client"):
                return run.deliver(message, senders.by(payload.type))


class DeliveryRun:
    """One run's claim on one notification. What it claimed it finishes or gives back, unless the process ends first."""

    def __init__(self, platform: Platform, notification_id: str) -> None:
        self._platform, self._notification_id = platform, notification_id
        self._claim_id = uuid4()

    def claim(self, recipient_id: str, channel: Channel) -> Claim:
        """Ask for the right to deliver."""
        return self._platform.claim_delivery(
            self._notification_id, recipient_id=recipient_id, channel=channel, claim_id=self._claim_id
        )

    def skip(self, reason: str) -> dict[str, str]:
        """Record that there is nothing to send it to."""
        self._finish(Ending.SKIPPED, reason)
        return {"outcome": "skipped", "reason": reason}

    def deliver(self, message: Message, sender: Sender) -> dict[str, str]:
        """Send and record it. Raises Defer or Permanent when it was not sent."""
        try:
            reference = sender.send(message, commit=self._commit)
        except DeliveryRefused as refusal:
            self._finish(Ending.REFUSED, str(refusal))
            raise Permanent(str(refusal)) from refusal
        except ProviderUnavailable as outage:
            self._platform.release_delivery(self._notification_id, claim_id=self._claim_id)
            raise Defer(str(outage), seconds=outage.retry_after_seconds or OUTAGE_SECONDS) from outage
        except OutcomeUnknown as unknown:
            raise Permanent(f"{unknown}: {UNKNOWN}") from unknown
        self._finish(Ending.DELIVERED, reference)
        return {"outcome": "delivered", "reference": reference}

    def _commit(self) -> None:
        if not self._platform.commit_delivery(self._notification_id, claim_id=self._claim_id):
            raise Defer("this run took too long, another may be delivering it", seconds=BUSY_SECONDS)

    def _finish(self, ending: Ending, detail: str) -> None:
        self._platform.finish_delivery(self._notification_id, ending, claim_id=self._claim_id, detail=detail)

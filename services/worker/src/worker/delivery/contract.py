"""What a delivery is: one message, one address, one provider. Nothing is sent twice however often a job runs.

A run first claims the notification's row; while the claim holds, other runs wait. Delivered ends it for good. A claim
that ran out belongs to a run that died:

- SMS and push providers know a message by its idempotency key, so the next run sends it again and it counts once.
- SMTP does not. The run notes that a mail is leaving (`commit`) once the server took sender and recipient and waits for
  the text. A run that died before that note has sent nothing, and the next one sends. One that died after it may
  have: the mail is not sent again, and the job becomes a dead letter for a person to decide on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from worker.platform.contract import Channel


@dataclass(frozen=True, slots=True)
class Message:
    """A notification on its way. The provider gets `notification_id` to recognise repeats by."""

    notification_id: str
    address: str
    subject: str | None
    text: str


class DeliveryRefused(Exception):
    """The provider will never deliver this message to this address."""


class ProviderUnavailable(Exception):
    """The provider did not take the message now; nothing was delivered, or a repeat will be recognised."""

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(Exception):
    """The message may have been delivered, and the provider does not recognise repeats."""


class Sender(Protocol):
    """Delivers by one channel. Every wait is bounded far below a job's timeout."""

    def send(self, message: Message, *, commit: Callable[[], None]) -> str:
        """Deliver once; returns the provider's own reference or the id it was given.

        A sender whose provider does not recognise repeats calls `commit` right before the message may leave for good.
        Raises DeliveryRefused, ProviderUnavailable, OutcomeUnknown, or what `commit` raises.
        """


@dataclass(frozen=True, slots=True)
class Senders:
    """One sender per channel."""

    email: Sender
    sms: Sender
    push: Sender

    def by(self, channel: Channel) -> Sender:
        """The channel's sender."""
        return {Channel.EMAIL: self.email, Channel.SMS: self.sms, Channel.PUSH: self.push}[channel]

"""Notifications inside the platform: a row that its own pages show."""

from __future__ import annotations

from worker.delivery.contract import Message
from worker.platform.contract import Person, Platform

LONGEST_CAUSE = 300


def show_in_app(platform: Platform, recipient: Person, message: Message, *, cause: object) -> None:
    """Show it once per recipient and cause, so that one event told by e-mail and SMS is one row.

    A cause that is no usable text (often none was given) is the notification itself. Raises PlatformUnavailable.
    """
    usable = isinstance(cause, str) and 0 < len(cause) <= LONGEST_CAUSE and cause.isprintable()
    platform.add_in_app_notification(
        recipient.person_id,
        cause=str(cause) if usable else message.notification_id,
        subject=message.subject,
        message=message.text,
    )

"""Notifications inside the platform: a row that its own pages show."""

from __future__ import annotations

from worker.delivery.contract import Message
from worker.platform.contract import Person, Platform


def show_in_app(platform: Platform, recipient: Person, message: Message, *, cause: object) -> None:
    """Show it once per recipient and cause, so that one event told by e-mail and SMS is one row.

    A cause that is no text (none was given) is the notification itself. Raises PlatformUnavailable.
    """
    platform.add_in_app_notification(
        recipient.person_id,
        cause=cause if isinstance(cause, str) and cause else message.notification_id,
        subject=message.subject,
        message=message.text,
    )

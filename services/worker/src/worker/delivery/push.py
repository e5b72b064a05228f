"""Push messages to a person's device through an HTTP provider."""

from __future__ import annotations

from collections.abc import Callable

from worker.delivery.contract import Message
from worker.delivery.http import HttpProvider


class PushSender:
    """Posts `{to, title, text}`; `to` is the device's push token."""

    def __init__(self, provider: HttpProvider) -> None:
        self._provider = provider

    def send(self, message: Message, *, commit: Callable[[], None]) -> str:  # noqa: ARG002 - repeats are recognised
        """See Sender."""
        body = {"to": message.address, "title": message.subject or "Notification", "text": message.text}
        return self._provider.post(body, key=message.notification_id)

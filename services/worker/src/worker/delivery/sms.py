"""Text messages through an HTTP provider."""

from __future__ import annotations

from collections.abc import Callable

from worker.delivery.contract import Message
from worker.delivery.http import HttpProvider


class SmsSender:
    """Posts `{to, text}`; the subject, if any, opens the text."""

    def __init__(self, provider: HttpProvider) -> None:
        self._provider = provider

    def send(self, message: Message, *, commit: Callable[[], None]) -> str:  # noqa: ARG002 - repeats are recognised
        """See Sender."""
        text = f"{message.subject}: {message.text}" if message.subject else message.text
        return self._provider.post({"to": message.address, "text": text}, key=message.notification_id)

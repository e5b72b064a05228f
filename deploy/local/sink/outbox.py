"""What the sink was given: the messages that people would have got."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, replace
from typing import Any

MOST_MESSAGES = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `key`: its Message-ID or idempotency key; `repeats`: posts recognised as the same one."""

    number: int
    channel: str
    to: str
    subject: str
    text: str
    key: str
    at_ms: int
    repeats: int = 0


class Outbox:
    """The newest messages, in memory; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: deque[Message] = deque()
        self._by_key: dict[tuple[str, str], int] = {}
        self._taken = 0

    def add(self, *, channel: str, to: str, subject: str, text: str, key: str) -> Message:
        """Take a message. SMS and push recognise a repeated key; e-mail, as in the world outside, does not."""
        with self._lock:
            known = self._by_key.get((channel, key)) if channel != "email" and key else None
            if known is not None:
                return self._count_repeat(known)
            self._taken += 1
            message = Message(self._taken, channel, to, subject, text, key, round(time.time() * 1000))
            self._messages.append(message)
            self._by_key[channel, key] = message.number
            if len(self._messages) > MOST_MESSAGES:
                oldest = self._messages.popleft()
                self._by_key.pop((oldest.channel, oldest.key), None)
            return message

    def newest(self, *, containing: str = "", limit: int = MOST_MESSAGES) -> list[dict[str, Any]]:
        """Messages with `containing` in address, key, subject or text, newest first."""
        with self._lock:
            messages = list(self._messages)
        found = (m for m in reversed(messages) if any(containing in part for part in (m.to, m.key, m.subject, m.text)))
        return [asdict(message) for message, _ in zip(found, range(limit), strict=False)]

    def _count_repeat(self, number: int) -> Message:
        place = number - self._messages[0].number
        message = replace(self._messages[place], repeats=self._messages[place].repeats + 1)
        self._messages[place] = message
        return message


def refusal(address: str) -> str:
    """Whether an address is `refused` for good, `busy` for now, or neither (empty): it says so itself."""
    return next((word for word in ("refused", "busy") if word in address), "")

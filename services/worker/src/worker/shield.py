"""For calls through a pool or client that all threads share: no interrupt lands inside them.

Landing in such a thing's own lock, just taken, an interrupt would leave it locked, and every other thread would hang
for good. What interrupts a thread says here how to hold it off; who makes the calls needs to know no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Shield = Callable[[], AbstractContextManager[None]]
_of_thread = threading.local()


def shield_by(shield: Shield) -> None:
    """From now on `shield` holds interrupts off the calling thread."""
    _of_thread.shield = shield


def undisturbed() -> AbstractContextManager[None]:
    """An interrupt that comes meanwhile lands right after; the call needs a timeout, for so long may it wait."""
    shield: Shield | None = getattr(_of_thread, "shield", None)
    return shield() if shield is not None else nullcontext()

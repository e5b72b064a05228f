"""Counting attempts, to refuse the next one for a while."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from service_kit.errors import ServiceError


class Throttle:
    """At most `attempts` per key in each window of `seconds`. Remembers a bounded number of keys."""

    REMEMBERED = 10_000

    def __init__(self, attempts: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = attempts, seconds, clock
        self._counts: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def count(self, key: Hashable) -> None:
        """Count an attempt; raises ServiceError LIMITED when there were too many."""
        began, count = self._window(key)
        if count >= self._most:
            wait = began + self._seconds - self._clock()
            raise ServiceError("LIMITED", "too many attempts; try again later", retry_after_ms=math.ceil(wait) * 1_000)
        self._counts[key] = (began, count + 1)
        self._counts.move_to_end(key)
        if len(self._counts) > self.REMEMBERED:
            self._counts.popitem(last=False)

    def forgive(self, key: Hashable) -> None:
        """Take one attempt back: it was a good one."""
        began, count = self._window(key)
        if count <= 1:
            self._counts.pop(key, None)
        else:
            self._counts[key] = (began, count - 1)

    def forget(self, key: Hashable) -> None:
        """Forget all attempts of a key."""
        self._counts.pop(key, None)

    def _window(self, key: Hashable) -> tuple[float, int]:
        now = self._clock()
        began, count = self._counts.get(key, (now, 0))
        return (began, count) if now < began + self._seconds else (now, 0)

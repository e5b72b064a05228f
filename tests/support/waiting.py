from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, within: float = 5.0, every: float = 0.02, what: str = "") -> T:
    """Return the condition's first truthy value; fail after `within` seconds, naming what was waited for."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or condition}; last seen: {value!r}")
        time.sleep(every)

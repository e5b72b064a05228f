"""Whether the store answers and whether our loops still turn."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from queue_engine.engine import QueueEngine

log = structlog.get_logger()
PROBE_EVERY_SECONDS = 1.0
STUCK_SECONDS = 60.0  # far above the longest pass: every call in it has a timeout
STORE = "store"
"""Name of the store's entry in standard gRPC health."""


class StoreProbe:
    """Asks the store once a second and tells `announce` whether it can be used."""

    def __init__(self, engine: QueueEngine, announce: Callable[[bool], None]) -> None:
        self._engine, self._announce = engine, announce
        self._problem: str | None = "the store has not been asked yet"
        self.epoch = ""
        """Which life of the store was seen last; empty before the first."""

    def tick(self) -> int:
        """One probe; whatever goes wrong in it is the answer."""
        problem: str | None = None
        try:
            self.epoch = self._engine.check_store().epoch
        except Exception as error:  # noqa: BLE001 - a store that fails in a new way is no better
            problem = str(error) or type(error).__name__
        if (problem is None) != (self._problem is None):
            log.info("store_usable") if problem is None else log.error("store_unusable", problem=problem)
        self._problem = problem
        self._announce(problem is None)
        return 0

    def problem(self) -> str | None:
        """What the last probe found, None when all is well: what /readyz answers."""
        return self._problem


class Pulse:
    """Knows when each loop last ended a pass, well or not.

    While the store is away passes fail, and that is no reason to restart this process.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def watch(self, name: str, tick: Callable[[], int]) -> Callable[[], int]:
        """The same tick, watched."""
        self._last[name] = self._clock()

        def watched() -> int:
            try:
                return tick()
            finally:
                self._last[name] = self._clock()

        return watched

    def problem(self) -> str | None:
        """The loops that are stuck, None when all turn: what /livez answers."""
        stuck = [name for name, ended in self._last.items() if self._clock() - ended > STUCK_SECONDS]
        return f"stuck: {', '.join(stuck)}" if stuck else None

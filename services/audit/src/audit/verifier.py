"""Verifies the chain bit by bit: in the background, and when somebody asks. Any number of processes share one place."""

from __future__ import annotations

import threading
import time

import structlog

from audit.database import DatabaseAway
from audit.metrics import AuditMetrics
from audit.progress import Progress
from audit.store import AuditStore

log = structlog.get_logger()
EVERY_SECONDS = 5.0
BIT_SECONDS = 0.5  # of one transaction; whoever else wants to go on waits for it
SPARE_SECONDS = 1.0  # of a caller's deadline, for the way back


class Verifier:
    """Thread-safe. Its methods but `tick` raise DatabaseAway."""

    def __init__(self, store: AuditStore, metrics: AuditMetrics, *, whole_every_seconds: float) -> None:
        self._store, self._metrics = store, metrics
        self._whole_every_ms = round(whole_every_seconds * 1_000)
        self._one_at_a_time = threading.Lock()
        self._known_broken: int | None = None

    def tick(self) -> int:
        """Verify for a moment what is new; from the first record once a pass is due. 1 when there is more to do."""
        try:
            progress = self._go_on(begin_after_ms=self._whole_every_ms)
        except DatabaseAway:
            return 0  # the probe says so
        return int(progress.intact and not progress.whole)

    def verify(self, seconds: float) -> Progress:
        """From the first record to the last, as far as it comes in this time; joins a pass that is under way."""
        until = time.monotonic() + seconds - SPARE_SECONDS
        progress = self._go_on(begin_after_ms=0)
        while not progress.whole and progress.intact and time.monotonic() < until:
            progress = self._go_on()
        return progress

    def read(self) -> tuple[Progress, int]:
        """How far the chain was verified, and how many records it has."""
        return self._store.read_verification()

    def _go_on(self, *, begin_after_ms: int | None = None) -> Progress:
        with self._one_at_a_time:
            until = time.monotonic() + BIT_SECONDS
            progress = self._store.verify_chain(
                keep_going=lambda: time.monotonic() < until, begin_after_ms=begin_after_ms
            )
            self._metrics.verified(progress)
            if progress.broken_at is not None and progress.broken_at != self._known_broken:
                log.error("chain_broken", broken_at=progress.broken_at, fits_up_to=progress.place.id)
            self._known_broken = progress.broken_at
        return progress

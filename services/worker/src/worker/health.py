"""Whether this process makes progress: a worker can be up, beat and answer, and never run a job again."""

from __future__ import annotations

import time
from collections.abc import Callable

from worker.dramatiq_broker.broker import JobBroker

LONGEST_TURN = 30.0  # seconds; a consumer goes round every second, the heartbeat too, store timeouts included
LONGEST_SILENCE = 10.0  # seconds since the store last answered a take


class WorkerHealth:
    """Probes for the metrics port."""

    def __init__(self, broker: JobBroker, *, threads: int, living_threads: Callable[[], int]) -> None:
        self._broker, self._threads, self._living_threads = broker, threads, living_threads

    def live(self) -> str | None:
        """None, or what only a restart can heal. An outage of the store is no reason."""
        now = time.monotonic()
        if self._broker.heartbeat.loop.age_seconds() > LONGEST_TURN:
            return "the heartbeat is stuck"
        for queue, turned_at in self._broker.turned_at.copy().items():
            if now - turned_at > LONGEST_TURN:
                return f"the consumer of {queue} is stuck"
        living = self._living_threads()
        if living < self._threads:
            return f"only {living} of {self._threads} worker threads live"
        stuck = self._broker.heartbeat.stuck()
        return f"{len(stuck)} jobs cannot be interrupted, among them {stuck[0]}" if stuck else None

    def ready(self) -> str | None:
        """None, or why it runs no new jobs."""
        if self._broker.roster.draining:
            return "draining"
        fetched_at = self._broker.fetched_at.copy()
        silent = [queue for queue, at in fetched_at.items() if time.monotonic() - at > LONGEST_SILENCE]
        # While its threads are busy a worker takes nothing.
        if (silent or not fetched_at) and not self._broker.roster.running:
            return "the store does not answer"
        return None

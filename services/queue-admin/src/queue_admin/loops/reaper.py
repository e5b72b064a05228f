"""Takes back what lost workers held and wakes what is due, also while no worker asks."""

from __future__ import annotations

from queue_admin.loops.each_queue import for_each_queue
from queue_engine.engine import QueueEngine

EVERY_SECONDS = 1.0


class Reaper:
    """Safe to run in many processes at once: each step is one atomic call."""

    def __init__(self, engine: QueueEngine) -> None:
        self._engine = engine

    def tick(self) -> int:
        """One bounded step per queue; returns how many jobs moved."""
        return for_each_queue(self._engine, self._tend)

    def _tend(self, queue: str) -> int:
        return self._engine.reap_leases(queue) + self._engine.promote_jobs(queue)

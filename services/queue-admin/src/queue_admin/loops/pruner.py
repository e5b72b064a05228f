"""Applies retention to finished jobs, and the bounds of dead ones."""

from __future__ import annotations

from queue_admin.loops.each_queue import for_each_queue
from queue_engine.engine import QueueEngine

EVERY_SECONDS = 5.0


class Pruner:
    """Safe to run in many processes at once."""

    def __init__(self, engine: QueueEngine) -> None:
        self._engine = engine

    def tick(self) -> int:
        """One bounded step per queue; returns how many jobs went."""
        return for_each_queue(self._engine, self._engine.prune_jobs)

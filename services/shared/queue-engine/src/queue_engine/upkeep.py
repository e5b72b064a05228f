"""What keeps a queue going while nobody asks: lost leases, due jobs, retention."""

from __future__ import annotations

from queue_engine.domain.errors import QueueNotFound
from queue_engine.domain.job import Retention
from queue_engine.domain.limits import check_queue_name
from queue_engine.store.redis_store import Arg, RedisStore


class Upkeep:
    """Bounded steps; each returns how many jobs it moved, 0 for a queue that nobody set up."""

    def __init__(self, store: RedisStore, retention: Retention) -> None:
        self._store, self._retention = store, retention

    def reap_leases(self, queue: str) -> int:
        """Take expired leases back."""
        return self._call("reap_leases", queue)

    def promote_jobs(self, queue: str) -> int:
        """Move due jobs to waiting."""
        return self._call("promote_jobs", queue)

    def prune_jobs(self, queue: str) -> int:
        """Forget what retention does not keep; in a store that is nearly full all completed jobs."""
        r = self._retention
        completed_count = 0 if self._store.is_nearly_full(queue) else r.completed_count
        completed, cancelled = (completed_count, r.completed_ms), (r.cancelled_count, r.cancelled_ms)
        return self._call("prune_jobs", queue, *completed, *cancelled, r.dedup_ms, r.dead_count, r.dead_bytes)

    def _call(self, function: str, queue: str, *args: Arg) -> int:
        check_queue_name(queue)
        try:
            moved: int = self._store.call(function, queue, *args, resend=True)[1]
        except QueueNotFound:
            return 0
        return moved

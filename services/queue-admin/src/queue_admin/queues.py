"""The overview rows of the queues: counts, the last hour, and who serves them."""

from __future__ import annotations

from collections import Counter

from jobqueue.queue.v1 import job_pb2
from queue_admin.convert import from_counts
from queue_admin.worker_info import decode_info
from queue_engine.domain.job import DEAD_LETTER_QUEUE
from queue_engine.engine import QueueEngine

FIRST = ("tickets", "notifications", DEAD_LETTER_QUEUE)


class QueueOverview:
    """Reads queues as the overview shows them. Raises QueueNotFound."""

    def __init__(self, engine: QueueEngine) -> None:
        self._engine = engine

    def list_queues(self) -> list[job_pb2.Queue]:
        """All queues, dead-letter among them, in the order of the overview."""
        workers = self._workers_by_queue()
        return [self._row(name, workers[name]) for name in in_order([*self._engine.list_queues(), DEAD_LETTER_QUEUE])]

    def get_queue(self, queue: str) -> job_pb2.Queue:
        """One queue."""
        return self._row(queue, self._workers_by_queue()[queue])

    def _row(self, queue: str, workers: int) -> job_pb2.Queue:
        minutes = [] if queue == DEAD_LETTER_QUEUE else self._engine.list_minutes(queue)
        return from_counts(self._engine.count_jobs(queue), minutes=minutes, workers=workers)

    def _workers_by_queue(self) -> Counter[str]:
        return Counter(queue for _, info, _ in self._engine.list_workers() for queue in decode_info(info).queues)


def in_order(names: list[str]) -> list[str]:
    """tickets, notifications and dead-letter first, the others by name."""
    return sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))

"""What an autoscaler of workers asks: GET /scaling/{queue} on the metrics port. Counts only, so no token is needed."""

from __future__ import annotations

from typing import Any

from queue_engine.domain.errors import InvalidArgument, QueueEngineError, QueueNotFound
from queue_engine.engine import QueueEngine


class Scaling:
    """How much work a queue has for workers now."""

    def __init__(self, engine: QueueEngine) -> None:
        self._engine = engine

    def answer(self, queue: str) -> tuple[int, dict[str, Any]]:
        """HTTP status and body: jobs and seconds, or 404 for a name no queue can have, or 503 while nobody knows.

        A paused queue has nothing runnable, however much waits in it: more workers would not help. `load` is what
        workers have to do, begun or not; scaling by what waits alone would take workers away while they are busy.
        """
        try:
            counts = self._engine.count_jobs(queue)
        except QueueNotFound:
            return 200, _load(queue, runnable=0, active=0, oldest_ms=0)  # nobody enqueued yet
        except InvalidArgument as error:
            return 404, {"detail": str(error)}
        except QueueEngineError as error:  # no number is better than a wrong one: the autoscaler keeps what it has
            return 503, {"detail": str(error)}
        if counts.paused:
            return 200, _load(queue, runnable=0, active=counts.active, oldest_ms=0)
        oldest_ms = counts.oldest_waiting_ms or 0
        return 200, _load(queue, runnable=counts.waiting, active=counts.active, oldest_ms=oldest_ms)


def _load(queue: str, *, runnable: int, active: int, oldest_ms: int) -> dict[str, Any]:
    return {
        "queue": queue,
        "runnable": runnable,
        "active": active,
        "load": runnable + active,
        "oldestRunnableAgeSeconds": oldest_ms / 1_000,
    }

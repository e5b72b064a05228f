"""One pass over all queues, in which a bad queue never holds up the others."""

from __future__ import annotations

from collections.abc import Callable

from queue_engine.domain.errors import StoreUnavailable
from queue_engine.engine import QueueEngine


def for_each_queue(
    engine: QueueEngine, work: Callable[[str], int], *, hopeless: tuple[type[Exception], ...] = (StoreUnavailable,)
) -> int:
    """The sum of what `work` did; raises the first error after all queues had their turn, a `hopeless` one at once."""
    done = 0
    first: Exception | None = None
    for queue in engine.list_queues():
        try:
            done += work(queue)
        except hopeless:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other queues must not wait for it
            first = first or error
    if first is not None:
        raise first
    return done

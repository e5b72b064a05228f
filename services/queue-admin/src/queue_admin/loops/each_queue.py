"""One pass over all queues, in which a bad queue never holds up the others."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator

from queue_engine.domain.errors import StoreUnavailable
from queue_engine.engine import QueueEngine

AWAY_SECONDS = 5.0
"""How long a pass goes on once a queue's store is away: each of its queues may cost a timeout."""


class Pass:
    """All queues in any order, until the store has been away for AWAY_SECONDS.

    Of a cluster one node may be away and the others there: their queues go on, if not in this pass then in another.
    """

    def __init__(self, engine: QueueEngine) -> None:
        queues = engine.list_queues()
        self._queues = random.sample(queues, len(queues))
        self._until = math.inf

    def __iter__(self) -> Iterator[str]:
        return (queue for queue in self._queues if time.monotonic() < self._until)

    def store_is_away(self) -> None:
        """A queue's was: no more than AWAY_SECONDS are left, whoever says it first."""
        self._until = min(self._until, time.monotonic() + AWAY_SECONDS)


def for_each_queue(
    engine: QueueEngine, work: Callable[[str], int], *, hopeless: tuple[type[Exception], ...] = ()
) -> int:
    """The sum of what `work` did; raises the first error after all queues had their turn, a `hopeless` one at once."""
    done = 0
    first: Exception | None = None
    queues = Pass(engine)
    for queue in queues:
        try:
            done += work(queue)
        except hopeless:
            raise
        except StoreUnavailable as error:
            queues.store_is_away()
            first = first or error
        except Exception as error:  # noqa: BLE001 - whatever it is, the other queues must not wait for it
            first = first or error
    if first is not None:
        raise first
    return done

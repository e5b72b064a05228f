"""A store with two workers and two backends at work, for faults that strike under load."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from faults.support.arena import Arena
from faults.support.history import History
from faults.support.load import Backend
from support.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Busy:
    """Two workers at work."""

    arena: Arena
    dice: random.Random
    pids: frozenset[int]

    def wait_for_both(self, since: float) -> None:
        """Until every worker began a job after that moment: none is stuck."""
        wait_until(lambda: self._begun_by_both(since), within=30, every=0.1, what="no worker is stuck")

    def begun_after(self, moment: float) -> float:
        """Seconds from a moment until the first job began after it."""
        begun = (run.began_at for runs in self.arena.history().runs.values() for run in runs)
        return min(at for at in begun if at > moment) - moment

    def _begun_by_both(self, since: float) -> bool:
        runs = (run for runs in self.arena.history().runs.values() for run in runs)
        return self.pids <= {run.pid for run in runs if run.began_at > since}


@contextmanager
def busy(arena: Arena, dice: random.Random) -> Iterator[Busy]:
    """Load while the block runs; afterwards all jobs have ended."""
    pids = frozenset({arena.worker().pid, arena.worker().pid})
    submit = arena.submit(seconds=0.01)
    backends = [Backend(arena.ledger, submit, prefix=f"load-{n}", pause=0.005, most=5_000) for n in range(2)]
    for backend in backends:
        backend.start()
    yield Busy(arena, dice, pids)
    for backend in backends:
        backend.stop()
    arena.come_to_rest()


def resumptions(history: History, since: list[float]) -> list[float]:
    """Seconds from each moment until the first job was completed after it."""
    ended = sorted(
        run.ended_at for runs in history.runs.values() for run in runs if run.how == "returned" and run.ended_at
    )
    return [next(at - start for at in ended if at > start) for start in since]

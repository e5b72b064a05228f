"""F2b: a handler keeps the GIL for longer than its lease, so that the heartbeat of its process cannot beat."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.support.arena import Arena
from faults.support.job_types.ledgered import QUEUE
from queue_engine.domain.job import FailureKind

LEASE_MS = 2_000  # long enough that only what keeps the GIL loses its lease, on a machine that others use too
HOLD = 2.5 * LEASE_MS / 1000


@pytest.mark.long_fault
def test_a_job_that_keeps_the_gil_too_long_is_taken_for_one_that_kills_its_worker(arena: Arena, tmp_path: Path) -> None:
    arena.worker(WORKER_LEASE_MS=str(LEASE_MS))
    arena.worker(WORKER_LEASE_MS=str(LEASE_MS))
    arena.fault("the GIL is kept for two leases and a half")
    arena.enqueue("once", holds=HOLD, holds_once=str(tmp_path / "held"))
    arena.enqueue(*(f"other-{number:02}" for number in range(40)), seconds=0.1)
    arena.come_to_rest()
    arena.enqueue("always", holds=HOLD)  # by itself: while both workers stand still nobody takes a lease back
    arena.come_to_rest()

    runs = {job_id: len(found) for job_id, found in arena.history().runs.items()}
    history, store = arena.verdict(
        "F2b",
        "two handlers keep the GIL for two leases and a half, one of them each time it runs",
        recovery=[],
        within=0,
        note=f"ran {runs['once']} times and completed; ran {runs['always']} times and is dead; other jobs dead: 0",
    )
    dead = arena.engine.get_job(QUEUE, "always").job
    assert (dead.dead, dead.failure_kind, runs["always"]) == (True, FailureKind.WORKER_LOST, 3)
    assert (store.jobs["once"].state, runs["once"]) == ("completed", 2)
    assert store.indexes["dead"] == {"always"}
    assert max(history.effects.values()) == 1

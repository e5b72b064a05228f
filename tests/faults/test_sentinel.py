"""F6 as Sentinel does it: a primary dies, its replica takes over, and everybody follows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.support.arena import Arena
from faults.support.cut_off import lose_the_cut_off
from faults.support.ledger import Ledger
from faults.support.report import Row
from fixtures.valkey_cluster import has_replica
from fixtures.valkey_sentinel import WatchedValkey
from queue_engine.domain.errors import StoreUnavailable
from queue_engine.engine import QueueEngine
from support.tokens import Authority
from support.waiting import wait_until


@pytest.fixture
def watched_arena(watched_valkey: WatchedValkey, tmp_path: Path, rows: list[Row], seed: int) -> Iterator[Arena]:
    """A watched store with a ledger."""
    made = Arena(
        url=watched_valkey.url,
        folder=tmp_path,
        ledger=Ledger(tmp_path / "arena.jsonl"),
        engine=QueueEngine.connect(watched_valkey.url, timeout_seconds=2),
        authority=Authority(),
        rows=rows,
        seed=seed,
        node_url=lambda: watched_valkey.primary.url,
    )
    yield made
    made.close()


def test_workers_and_callers_follow_when_primary_and_replica_change_places_and_when_one_dies(
    watched_arena: Arena, watched_valkey: WatchedValkey
) -> None:
    arena = watched_arena
    worker = arena.worker()
    arena.enqueue("before")
    arena.come_to_rest()

    watched_valkey.swap()  # connections to the old primary stay: it answers READONLY
    arena.enqueue("swapped")
    _come_to_rest(arena)
    killed = arena.fault("kill -9 of the primary")
    watched_valkey.fail_over()
    arena.enqueue("after")
    _come_to_rest(arena)

    took = time.monotonic() - killed
    arena.verdict("F6 (Sentinel)", "the primary changes, then dies; its replica takes over", recovery=[took], within=60)
    assert worker.process.alive


def _come_to_rest(arena: Arena) -> None:
    def ended() -> bool:
        try:
            return arena.unfinished() == 0
        except StoreUnavailable:
            return False

    wait_until(ended, within=60, every=0.1, what="all jobs have ended")


@pytest.mark.parametrize("min_replicas", [1, 0], ids=["refused without a replica", "accepted without a replica"])
@pytest.mark.long_fault
def test_a_replica_that_was_cut_off_takes_over_and_what_was_refused_is_not_lost(
    watched_arena: Arena, watched_valkey: WatchedValkey, min_replicas: int
) -> None:
    watched_arena.enqueue("known")
    wait_until(watched_valkey.is_whole, within=20)
    primary = watched_valkey.primary
    primary.ask("CONFIG", "SET", "min-replicas-to-write", min_replicas)
    watched_valkey.replica.ask("CONFIG", "SET", "masterauth", "wrong")
    primary.ask("CLIENT", "KILL", "TYPE", "REPLICA")
    wait_until(lambda: not has_replica(primary), within=20, what="the replica is gone")

    lose_the_cut_off(watched_arena, "F6 (Sentinel)", min_replicas=min_replicas, fail_over=watched_valkey.fail_over)

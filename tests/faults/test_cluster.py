"""F6 on a cluster: primaries die under load, replicas take over, slots move. What was answered is there afterwards,
where a replica has confirmed it (`wait_replicas=1`); where a replica was cut off, the loss or the refusal is shown.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.support.arena import Arena
from faults.support.busy import Busy, busy
from faults.support.cut_off import lose_the_cut_off
from faults.support.job_types.ledgered import QUEUE
from faults.support.ledger import Ledger
from faults.support.report import Row
from fixtures.valkey_cluster import ValkeyCluster
from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.job import NewJob
from queue_engine.engine import QueueEngine
from queue_engine.store import redis_store
from support.tokens import Authority
from support.waiting import wait_until

FAILOVER_SECONDS = 4.0  # the node timeout is one second: it has to pass, and the others have to vote
SLACK = 5.0  # times the bound, on a machine that others use too


@pytest.fixture(params=[""])
def cluster_arena(
    valkey_cluster: ValkeyCluster, tmp_path: Path, rows: list[Row], seed: int, request: pytest.FixtureRequest
) -> Iterator[Arena]:
    """A cluster of the test's own with a ledger; its parameter is the URL's options."""
    url = valkey_cluster.url + request.param
    made = Arena(
        url=url,
        folder=tmp_path,
        ledger=Ledger(tmp_path / "arena.jsonl"),
        engine=QueueEngine.connect(url, timeout_seconds=2),
        authority=Authority(),
        rows=rows,
        seed=seed,
        node_url=lambda: valkey_cluster.owner(QUEUE).url,
    )
    yield made
    made.close()


confirmed = pytest.mark.parametrize("cluster_arena", ["?wait_replicas=1"], indirect=True, ids=["confirmed"])
"""A replica has what is answered: without, a primary's last moment can be lost with it."""


def fail_over(load: Busy, cluster: ValkeyCluster) -> float:
    """Kill the primary that has the queue; it comes back as a replica. Seconds until a job began on the new one."""
    time.sleep(0.3 + load.dice.random() * 0.2)
    old = cluster.owner(QUEUE)
    killed = load.arena.fault("kill -9 of a primary")
    cluster.fail_over(QUEUE)
    taken_over = time.monotonic()
    old.start()
    wait_until(cluster.has_replicas, within=30, what="the old primary follows the new one")
    load.wait_for_both(time.monotonic())
    return taken_over - killed + load.begun_after(taken_over)


def move_slot(load: Busy, cluster: ValkeyCluster) -> float:
    """Move the queue to another node; seconds until a job began there."""
    load.arena.fault("a slot moves")
    here = cluster.owner(QUEUE)
    cluster.move_queue(QUEUE, next(node for node in cluster.primaries() if node != here))
    moved = time.monotonic()
    load.wait_for_both(moved)
    return load.begun_after(moved)


def judge(arena: Arena, fault: str, words: str, recovery: list[float], *, note: str = "") -> None:
    """Nothing lost, and within the time that a failover takes."""
    unknown = sum(arena.history().unknown.values())
    settings = ["`min-replicas-to-write 1`", *(["`wait_replicas=1`"] if "wait_replicas" in arena.url else [])]
    notes = [*([note] if note else []), *settings, f"answers lost and asked for again: {unknown}"]
    arena.verdict(fault, words, recovery=recovery, within=FAILOVER_SECONDS * SLACK, note=", ".join(notes))


@confirmed
def test_a_failover_and_a_moved_slot_under_load_lose_nothing_and_leave_no_worker_stuck(
    cluster_arena: Arena, valkey_cluster: ValkeyCluster, dice: random.Random
) -> None:
    with busy(cluster_arena, dice) as load:
        load.wait_for_both(0.0)
        recovery = [fail_over(load, valkey_cluster), move_slot(load, valkey_cluster)]

    judge(cluster_arena, "F6 (cluster, short)", "the queue's primary killed, then its slot moved, under load", recovery)


@confirmed
@pytest.mark.long_fault
def test_four_failovers_under_load_lose_nothing(
    cluster_arena: Arena, valkey_cluster: ValkeyCluster, dice: random.Random
) -> None:
    with busy(cluster_arena, dice) as load:
        load.wait_for_both(0.0)
        recovery = [fail_over(load, valkey_cluster) for _ in range(4)]

    words = "kill -9 of the primary that has the queue, four times under load; it comes back as a replica"
    judge(cluster_arena, "F6 (cluster)", words, recovery, note="node timeout 1 s")


@pytest.mark.long_fault
def test_ten_moves_of_a_slot_under_load_lose_nothing(
    cluster_arena: Arena, valkey_cluster: ValkeyCluster, dice: random.Random
) -> None:
    with busy(cluster_arena, dice) as load:
        load.wait_for_both(0.0)
        recovery = [move_slot(load, valkey_cluster) for _ in range(10)]

    words = "the queue's slot moved to another primary, ten times under load"
    judge(cluster_arena, "F6 (slot moved)", words, recovery, note="`CLUSTER MIGRATESLOTS`")


@pytest.mark.long_fault
def test_a_slot_that_moves_key_by_key_under_load_loses_nothing(
    cluster_arena: Arena, valkey_cluster: ValkeyCluster, dice: random.Random
) -> None:
    cluster = valkey_cluster
    with busy(cluster_arena, dice) as load:
        load.wait_for_both(0.0)
        began = cluster_arena.fault("a slot moves key by key")
        source = cluster.owner(QUEUE)
        target = next(node for node in cluster.primaries() if node != source)
        cluster.begin_moving(QUEUE, target)
        while cluster.move_keys(QUEUE, target, limit=10):
            time.sleep(0.01)
        cluster.end_moving(QUEUE, target)
        moved = time.monotonic()
        load.wait_for_both(moved)
        recovery = [load.begun_after(moved)]

    words = "the queue's slot moved to another primary key by key, under load"
    judge(cluster_arena, "F6 (slot moved key by key)", words, recovery, note=f"refused for {moved - began:.1f} s")


@pytest.mark.parametrize("min_replicas", [1, 0], ids=["refused without a replica", "accepted without a replica"])
@pytest.mark.long_fault
def test_a_replica_that_was_cut_off_takes_over_and_what_was_refused_is_not_lost(
    cluster_arena: Arena, valkey_cluster: ValkeyCluster, min_replicas: int
) -> None:
    cluster = valkey_cluster
    cluster_arena.enqueue("known")
    wait_until(cluster.has_replicas, within=20)
    primary = cluster.owner(QUEUE)
    primary.ask("CONFIG", "SET", "min-replicas-to-write", min_replicas)
    cluster.detach_replica(primary)

    def fail_over() -> None:
        cluster.fail_over(QUEUE)
        primary.start()
        wait_until(cluster.has_replicas, within=30, what="the old primary follows the new one")

    lose_the_cut_off(cluster_arena, "F6 (cluster)", min_replicas=min_replicas, fail_over=fail_over)


def test_queues_of_other_nodes_go_on_while_the_registrys_node_is_away(
    cluster_arena: Arena, valkey_cluster: ValkeyCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, cluster = cluster_arena.engine, valkey_cluster
    old = cluster.owner("@registry")
    near = cluster.queue_on(next(node for node in cluster.primaries() if node != old))
    away = cluster.queue_on(old)
    for queue in (near, away):
        engine.enqueue_job(queue, NewJob("first", "work", b"{}"))
    monkeypatch.setattr(redis_store, "_CHECK_AGAIN_SECONDS", 0.0)  # as if the last look were long ago

    old.kill()

    with pytest.raises(StoreUnavailable):
        engine.enqueue_job(away, NewJob("second", "work", b"{}"))
    for number in range(20):
        assert engine.enqueue_job(near, NewJob(f"job-{number}", "work", b"{}")).created
    old.start()
    wait_until(lambda: _accepts(engine, away), within=30, what="its queue goes on too")


def _accepts(engine: QueueEngine, queue: str) -> bool:
    try:
        return bool(engine.enqueue_job(queue, NewJob("second", "work", b"{}")).job_id)
    except StoreUnavailable:
        return False

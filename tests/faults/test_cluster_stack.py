"""F6 with all services: the store is a cluster, and the primary that has the queue dies under load."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from faults.support.ledger import Ledger
from faults.support.load import hand_over
from faults.support.report import Row
from faults.support.stack_arena import FAR_MS, QUEUE, StackArena
from fixtures.stack import a_stack
from fixtures.valkey_cluster import ValkeyCluster
from support.waiting import wait_until

CANCELLED = 10


@pytest.mark.long_fault
def test_backends_operators_and_workers_go_on_after_a_failover(
    valkey_cluster: ValkeyCluster, tmp_path: Path, ledger: Ledger, rows: list[Row], seed: int
) -> None:
    cluster = valkey_cluster
    with a_stack(tmp_path / "state", redis_url=cluster.url, WORKER_LEASE_MS="2000") as stack:
        arena = StackArena(
            stack, ledger, rows, seed, f"t{uuid.uuid4().hex[:6]}", node_url=lambda: cluster.owner(QUEUE).url
        )
        far = [f"{arena.mark}-far-{number}" for number in range(CANCELLED)]
        for job_id in far:
            hand_over(ledger, arena.notify(delay=FAR_MS), job_id)
        ops = arena.client()
        backends = [arena.backend(str(number)) for number in range(2)]
        wait_until(lambda: all(len(backend.accepted) > 10 for backend in backends), within=30)
        acted = [arena.act(ops, job_id, "cancel") for job_id in far[:5]]

        old = cluster.owner(QUEUE)
        ledger.write("fault", what="kill -9 of a primary under all services")
        killed = time.monotonic()
        cluster.fail_over(QUEUE)
        old.start()
        wait_until(lambda: all(backend.accepted_at[-1] > killed + 1 for backend in backends), within=60)
        recovery = [next(at for at in b.accepted_at if at > killed + 1) - killed for b in backends]
        acted += [arena.act(ops, job_id, "cancel") for job_id in far[5:]]
        for backend in backends:
            backend.stop()
        arena.come_to_rest(within=90)

        wait_until(lambda: len(arena.audited()) == CANCELLED, within=60, every=0.5, what="all is in the audit log")
        assert acted == ["acked"] * CANCELLED
        assert arena.health() == "ok"
        words = "the same with all services, callers by REST and an operator"
        arena.verdict("F6 (cluster, services)", words, recovery=recovery, within=30, note="`min-replicas-to-write 1`")
        arena.close()

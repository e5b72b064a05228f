"""F7: a primary is cut off from its replica, which becomes primary too. For how long does the old one take jobs?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from faults.support.report import Row
from fixtures.valkey_cluster import Node, has_replica
from fixtures.valkey_sentinel import a_server
from local.ports import HOST, free_port
from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.job import JobState, NewJob
from queue_engine.engine import QueueEngine
from support.proxy import Proxy
from support.waiting import wait_until

QUEUE = "faults"
WINDOW_SECONDS = 4.0
"""Two of `min-replicas-max-lag`, one for rounding, one until the server looks again."""

SLACK = 1.5  # times the bound, on a machine that others use too


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Node, Node, Proxy]]:
    """A primary, its replica, and what is between them."""
    with ExitStack() as ending:
        primary, replica = (a_server(tmp_path, free_port(), min_replicas=1) for _ in range(2))
        between = Proxy(primary.url)
        for clean_up in (between.close, primary.kill, replica.kill):
            ending.callback(clean_up)
        replica.ask("REPLICAOF", HOST, str(urlsplit(between.url).port))
        wait_until(lambda: has_replica(primary), within=20, what="the replica is in step")
        yield primary, replica, between


def accepts(engine: QueueEngine, job_id: str) -> bool:
    try:
        engine.enqueue_job(QUEUE, NewJob(job_id, "work", b"{}"))
    except StoreUnavailable:
        return False
    return True


@pytest.mark.long_fault
def test_a_primary_that_was_cut_off_takes_no_jobs_once_its_lag_has_passed(
    pair: tuple[Node, Node, Proxy], rows: list[Row], seed: int
) -> None:
    old, new, between = pair
    minority = QueueEngine.connect(old.url, timeout_seconds=2)
    assert accepts(minority, "known")

    between.cut()
    cut = time.monotonic()
    accepted: dict[str, float] = {}
    while time.monotonic() - cut < WINDOW_SECONDS * SLACK * 2:
        job_id = f"old-{time.monotonic_ns()}"
        if accepts(minority, job_id):
            accepted[job_id] = time.monotonic() - cut
        time.sleep(0.02)
    new.ask("REPLICAOF", "NO", "ONE")  # what a Sentinel does
    new.ask("CONFIG", "SET", "min-replicas-to-write", 0)
    majority = QueueEngine.connect(new.url, timeout_seconds=2)
    taken = [accepts(majority, f"new-{number}") for number in range(20)]
    late = [accepts(minority, f"late-{number}") for number in range(20)]
    old.ask("REPLICAOF", HOST, new.port)  # the network is whole again
    wait_until(lambda: has_replica(new), within=20, what="the old primary follows the new one")

    assert (all(taken), any(late)) == (True, False)
    there = {job.job_id for job in majority.list_jobs(QUEUE, JobState.WAITING, offset=0, limit=500).jobs}
    lost, window = set(accepted) - there, max(accepted.values())
    rows.append(
        Row(
            fault="F7",
            words="a primary cut off from its replica, which becomes primary too; callers on both sides",
            jobs=1 + len(taken) + len(accepted),
            lost=len(lost),
            repeated_effects=0,
            most_runs=0,
            recovery=f"{window:.1f} s",
            seed=seed,
            note="what the old one took before it refused, `min-replicas-max-lag 2`; after that: 0",
        )
    )
    assert window < WINDOW_SECONDS * SLACK
    for engine in (minority, majority):
        engine.close()

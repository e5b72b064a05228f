"""F11: the network between a worker and the store fails in three ways, each for longer than the leases."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from faults.support.arena import LEASE_SECONDS, QUICK, Arena
from faults.support.load import Backend
from support.proxy import Proxy
from support.waiting import wait_until

WAYS = ("cut", *(pytest.param(way, marks=pytest.mark.long_fault) for way in ("half_open", "lose_replies")))


def threads_of(pid: int) -> int:
    """How many the process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def most_at_once(arena: Arena, pid: int) -> int:
    """How many new jobs a process runs at the same moment: a thread that hangs runs none."""
    ids = [f"together-{number:02}" for number in range(32)]
    arena.enqueue(*ids, seconds=0.3)
    arena.come_to_rest()
    history = arena.history()
    runs = [run for job_id in ids for run in history.runs[job_id] if run.pid == pid and run.ended_at]
    return max(sum(other.began_at <= run.began_at < (other.ended_at or 0) for other in runs) for run in runs)


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_cut_off_from_the_store_hangs_nowhere_and_repeats_no_effect(arena: Arena, way: str) -> None:
    proxy = Proxy(arena.url)
    remote, near = arena.worker(url=proxy.url), arena.worker()
    backend = Backend(arena.ledger, arena.submit(seconds=0.05), prefix="load", pause=0.01, most=900)
    backend.start()

    def begun_since(at: float) -> set[int]:
        return {run.pid for runs in arena.history().runs.values() for run in runs if run.began_at > at}

    wait_until(lambda: begun_since(0.0) == {remote.pid, near.pid}, within=30)
    assert remote.probe("livez") == "ok"  # the first probe starts threads of gRPC's
    time.sleep(LEASE_SECONDS)
    threads = threads_of(remote.pid)
    recovery: list[float] = []
    for _ in range(2):
        arena.fault(way)
        getattr(proxy, way)()
        time.sleep(3 * LEASE_SECONDS)
        proxy.heal()
        healed = time.monotonic()
        wait_until(lambda at=healed: remote.pid in begun_since(at), within=30)  # type: ignore[misc]
        recovery.append(time.monotonic() - healed)
    backend.stop()
    arena.come_to_rest()
    assert remote.probe("livez") == "ok"
    wait_until(lambda: threads_of(remote.pid) <= threads, within=30, what="no thread hangs")
    assert most_at_once(arena, remote.pid) == int(QUICK["WORKER_THREADS"])
    proxy.close()

    arena.verdict(
        f"F11 ({way.replace('_', ' ')})",
        f"network between a worker and the store: {way.replace('_', ' ')}, for three leases, twice",
        recovery=recovery,
        within=LEASE_SECONDS * 20,
        note=f"hung threads: 0 ({threads} before, {threads_of(remote.pid)} after)",
    )

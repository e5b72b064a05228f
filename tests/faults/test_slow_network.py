"""F12: half a second and more lies between a worker and the store."""

from __future__ import annotations

import time

import pytest

from faults.support.arena import Arena
from faults.support.load import Backend
from support.proxy import Proxy
from support.waiting import wait_until

LEASE_MS = 10_000  # a renewal may have to wait for four other calls, when the store's settings are looked at again
LONG_SECONDS = 1.2 * LEASE_MS / 1000
ONE_WAY, JITTER = 0.25, 0.125


@pytest.mark.long_fault
def test_a_slow_network_slows_jobs_and_loses_no_lease(arena: Arena) -> None:
    proxy = Proxy(arena.url)
    worker = arena.worker(url=proxy.url, WORKER_LEASE_MS=str(LEASE_MS))
    backend = Backend(arena.ledger, arena.submit(seconds=0.05), prefix="load", pause=0.02, most=2_000)
    backend.start()

    def ended() -> int:
        return sum(bool(run.ended_at) for runs in arena.history().runs.values() for run in runs)

    def per_second(seconds: float) -> float:
        before, at = ended(), time.monotonic()
        time.sleep(seconds)
        return (ended() - before) / (time.monotonic() - at)

    wait_until(lambda: ended() > 20, within=30)
    near = per_second(4)
    arena.fault("latency")
    proxy.delay(ONE_WAY, jitter=JITTER)
    arena.enqueue("long-1", "long-2", seconds=LONG_SECONDS)
    far = per_second(8)
    backend.stop()
    arena.come_to_rest(within=120)
    proxy.close()

    _, store = arena.verdict(
        "F12",
        f"{2 * ONE_WAY * 1000:.0f} ms and up to {2 * JITTER * 1000:.0f} ms of jitter between a worker and the store",
        recovery=[],
        within=0,
        note=f"leases (of {LEASE_MS / 1000:.0f} s) lost: 0, jobs that ran for longer among them; "
        f"{far:.0f} jobs a second instead of {near:.0f}",
    )
    assert store.totals.get("lost", 0) == 0
    assert far > 1  # two threads that take one job after the other would do so many
    assert worker.process.alive

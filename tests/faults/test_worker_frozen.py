"""F2: a worker freezes for longer than its leases and wakes up as if nothing had happened."""

from __future__ import annotations

import os
import signal
import time

from faults.support.arena import LEASE_SECONDS, Arena
from support.waiting import wait_until


def test_a_frozen_workers_jobs_run_elsewhere_and_its_late_word_changes_nothing(arena: Arena) -> None:
    frozen = arena.worker()
    arena.enqueue(*(f"frozen-{number}" for number in range(4)), seconds=0.6)
    wait_until(lambda: len(arena.history().runs) == 4, within=30)

    os.kill(frozen.pid, signal.SIGSTOP)
    at = arena.fault("SIGSTOP of a worker")
    arena.worker()
    arena.enqueue(*(f"later-{number}" for number in range(20)), seconds=0.05)
    arena.come_to_rest()
    time.sleep(max(0.0, at + 3 * LEASE_SECONDS - time.monotonic()))
    completed = arena.snapshot().totals["completed"]
    os.kill(frozen.pid, signal.SIGCONT)
    wait_until(lambda: frozen.log.count("lease_lost") >= 4, within=20)

    began_again = [max(run.began_at for run in runs) - at for runs in arena.history().runs.values() if len(runs) > 1]
    history, store = arena.verdict(
        "F2",
        "a worker stopped for three leases and woken (SIGSTOP, SIGCONT)",
        recovery=began_again,
        within=LEASE_SECONDS * 15,
        note="late outcomes accepted: 0",
    )
    assert history.most_runs() == 2
    assert store.totals["completed"] == completed == 24
    assert store.totals["lost"] == 4

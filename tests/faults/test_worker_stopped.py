"""F3: workers are asked to stop while they work, take and settle."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from faults.support.arena import LEASE_SECONDS, Arena
from faults.support.job_types.ledgered import QUEUE
from faults.support.load import Backend
from queue_engine.domain.job import JobState
from support.waiting import wait_until

DRAIN_SECONDS = 1.0


def test_a_stopped_worker_ends_short_jobs_and_gives_long_ones_back_without_burning_an_attempt(arena: Arena) -> None:
    worker = arena.worker(WORKER_DRAIN_SECONDS=str(DRAIN_SECONDS))
    arena.enqueue("short-1", "short-2", seconds=0.4)
    arena.enqueue("long-1", "long-2", seconds=8)
    wait_until(lambda: len(arena.history().runs) == 4, within=30)
    arena.enqueue(*(f"next-{number}" for number in range(10)), seconds=0.05)

    worker.process.ask_to_stop()
    at = arena.fault("SIGTERM")
    assert worker.process.wait(DRAIN_SECONDS + 15) == 0
    stopped = time.monotonic() - at

    history, states = arena.history(), {}
    for job_id in ("short-1", "short-2", "long-1", "long-2"):
        states[job_id] = arena.engine.get_job(QUEUE, job_id).job
    assert [states[job_id].state for job_id in sorted(states)] == [JobState.WAITING] * 2 + [JobState.COMPLETED] * 2
    assert [states[job_id].attempts_made for job_id in ("long-1", "long-2")] == [0, 0]
    assert not any(job_id.startswith("next") for job_id in history.runs)
    assert arena.snapshot().totals.get("lost", 0) == 0

    arena.worker()
    arena.come_to_rest()
    _, store = arena.verdict(
        "F3",
        "SIGTERM with short and long jobs",
        recovery=[stopped],
        within=DRAIN_SECONDS + 15,
        note="attempts burnt: 0",
    )
    assert store.totals["completed"] == 14


def test_a_second_sigterm_ends_the_worker_at_once_and_its_jobs_run_again(arena: Arena) -> None:
    worker = arena.worker(WORKER_DRAIN_SECONDS="60")
    arena.enqueue("stubborn", seconds=3)
    wait_until(lambda: arena.history().runs, within=30)

    os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: '"stopping"' in worker.log, within=5)
    os.kill(worker.pid, signal.SIGTERM)
    at = arena.fault("second SIGTERM")
    assert worker.process.wait(5) == -signal.SIGTERM
    arena.worker()
    arena.come_to_rest()

    history, _ = arena.verdict(
        "F3 (twice)",
        "a second SIGTERM during the drain",
        recovery=[max(run.began_at for run in arena.history().runs["stubborn"]) - at],
        within=LEASE_SECONDS * 15,
    )
    assert history.most_runs() == 2


@pytest.mark.long_fault
def test_sigterms_swept_over_load_repeat_no_job(arena: Arena, dice: random.Random) -> None:
    nursery = arena.nursery()
    workers = [nursery.fork(), nursery.fork()]
    backend = Backend(arena.ledger, arena.submit(seconds=0.01), prefix="load", pause=0.002)
    backend.start()
    for _ in range(30):
        time.sleep(0.2 + dice.random() * 0.1)
        nursery.signal(workers.pop(0), signal.SIGTERM)
        arena.fault("SIGTERM")
        workers.append(nursery.fork())
    backend.stop()
    arena.come_to_rest()

    _, store = arena.verdict("F3 (load)", "30 SIGTERMs under load", recovery=[], within=0)
    assert store.totals.get("lost", 0) == 0

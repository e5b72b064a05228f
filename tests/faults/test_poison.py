"""F19: a job that takes its worker along runs three times and harms nobody; a dependency that is down kills no job."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from faults.support.arena import LEASE_SECONDS, Arena, Nursery
from faults.support.job_types.ledgered import QUEUE
from queue_engine.domain.job import FailureKind
from support.waiting import wait_until
from worker.dramatiq_broker.roster import MOST_HELD

HEALTHY, JOB_SECONDS = 900, 0.1


class Restarter(threading.Thread):
    """Starts a dead worker again, as an orchestrator does."""

    def __init__(self, nursery: Nursery, workers: int) -> None:
        super().__init__(daemon=True)
        self._nursery, self._alive = nursery, [nursery.fork() for _ in range(workers)]
        self.deaths = 0
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.02):
            for pid in list(self._alive):
                if not Path(f"/proc/{pid}").exists():
                    self.deaths += 1
                    self._alive.remove(pid)
                    self._alive.append(self._nursery.fork())

    def stop(self) -> None:
        self._ended.set()
        self.join()


def run_healthy(arena: Arena, prefix: str, *, poison: str = "") -> float:
    """Jobs per second of healthy work, with a poisonous job among it when told."""
    restarter = Restarter(arena.nursery(), 2)
    wait_until(lambda: warmed_up(arena, prefix), within=20)
    began = arena.fault(f"{poison or 'no'} poison")
    healthy = [f"{prefix}-{number:03}" for number in range(HEALTHY)]
    arena.enqueue(*healthy[:50], seconds=JOB_SECONDS)
    if poison:
        arena.enqueue(f"{prefix}-poison", dies=poison)
    arena.enqueue(*healthy[50:], seconds=JOB_SECONDS)
    arena.come_to_rest(within=120)
    restarter.stop()
    for nursery in arena.nurseries:
        nursery.close()
    assert restarter.deaths == (3 if poison else 0)
    ended = [
        run.ended_at
        for job_id, runs in arena.history().runs.items()
        if job_id.startswith(f"{prefix}-") and job_id != f"{prefix}-poison"
        for run in runs
        if run.ended_at
    ]
    return HEALTHY / (max(ended) - began)


def warmed_up(arena: Arena, prefix: str) -> bool:
    """Both workers have begun a job."""
    arena.enqueue(f"warm-{prefix}-{time.monotonic_ns()}", seconds=0.02)
    runs = [run for job_id, runs in arena.history().runs.items() if job_id.startswith(f"warm-{prefix}") for run in runs]
    return len({run.pid for run in runs}) == 2


@pytest.mark.long_fault
def test_poison_runs_three_times_buries_nobody_else_and_leaves_four_fifths_of_the_throughput(arena: Arena) -> None:
    alone = run_healthy(arena, "alone")
    beside = run_healthy(arena, "beside", poison="kill")

    job = arena.engine.get_job(QUEUE, "beside-poison").job
    ratio = beside / alone
    history, store = arena.verdict(
        "F19",
        f"one job kills its worker, among {HEALTHY} healthy ones",
        recovery=[],
        within=0,
        note=f"poison ran {len(arena.history().runs['beside-poison'])} times, healthy jobs dead: 0, "
        f"throughput {ratio:.0%} of that without it",
    )
    assert (job.dead, job.failure_kind, len(history.runs["beside-poison"])) == (True, FailureKind.WORKER_LOST, 3)
    assert store.indexes["dead"] == {"beside-poison"}
    redelivered = [stored.lost for job_id, stored in store.jobs.items() if stored.lost and job_id != "beside-poison"]
    assert max(redelivered, default=0) <= 1  # only the first death meets others: a suspect runs alone
    assert len(redelivered) <= MOST_HELD
    assert ratio >= 0.8


@pytest.mark.parametrize("death", ["kill", pytest.param("segfault", marks=pytest.mark.long_fault)])
def test_poison_is_dead_after_exactly_three_executions(arena: Arena, death: str) -> None:
    restarter = Restarter(arena.nursery(), 2)
    arena.enqueue(*(f"healthy-{number}" for number in range(40)), seconds=0.02)
    arena.enqueue("poison", dies=death)
    arena.enqueue(*(f"other-{number}" for number in range(40)), seconds=0.02)
    at = arena.fault(death)
    arena.come_to_rest()
    buried = time.monotonic() - at
    restarter.stop()

    history, store = arena.verdict(
        f"F19 ({death})", f"a job ends its worker by {death}", recovery=[buried], within=LEASE_SECONDS * 30
    )
    assert len(history.runs["poison"]) == 3
    assert store.indexes["dead"] == {"poison"}


def test_a_dependency_that_is_down_kills_no_job(arena: Arena, tmp_path: Path) -> None:
    switch = tmp_path / "dependency"
    arena.worker()
    arena.enqueue(*(f"needs-{number}" for number in range(30)), needs=str(switch), attempts=1)
    wait_until(lambda: arena.snapshot().totals.get("deferred", 0) > 100, within=60, every=0.2)
    at = arena.fault("the dependency comes back")
    switch.touch()
    arena.come_to_rest()

    _, store = arena.verdict(
        "F19 (dependency)",
        "what the jobs need is down for several of their tries, with one attempt allowed",
        recovery=[time.monotonic() - at],
        within=LEASE_SECONDS * 10,
        note=f"{arena.snapshot().totals['deferred']} deferrals, jobs dead: 0",
    )
    assert store.totals["completed"] == 30
    assert not store.indexes["dead"]

"""F1: workers die without a word, at every moment of a job's life."""

from __future__ import annotations

import random
import signal
import time
from itertools import pairwise

import pytest

from faults.support.arena import LEASE_SECONDS, Arena, Nursery
from faults.support.history import History
from faults.support.job_types.ledgered import QUEUE
from queue_engine.domain.audit import Action
from queue_engine.domain.job import FailureKind, JobState

KILLS = 200
JOB_SECONDS = 0.02
LIFE_SECONDS = 0.1
"""From the enqueue of a job until well after its settlement; the kills are spread over it evenly."""


def delays_after_kills(history: History, killed: dict[int, float]) -> list[float]:
    """For each execution that a kill cut off: seconds until the same job began again by itself."""
    delays = []
    for job_id, runs in history.runs.items():
        if history.acts_on(job_id, "retry"):
            continue
        ordered = sorted(runs, key=lambda run: run.began_at)
        for cut, again in pairwise(ordered):
            if cut.ended_at is None and cut.pid in killed:
                delays.append(again.began_at - killed[cut.pid])
    return delays


def retry_what_died_three_times(arena: Arena) -> int:
    """As an operator would: a job that three kills in a row met is dead, whoever's fault it was."""
    dead = arena.engine.list_jobs(QUEUE, JobState.FAILED, offset=0, limit=100).jobs
    for job in dead:
        assert (job.failure_kind, job.lost_leases) == (FailureKind.WORKER_LOST, 3)
        arena.engine.retry_job(QUEUE, job.job_id, action=Action(f"again-{job.job_id}", "ops", reason="it was innocent"))
        arena.ledger.write("act", job.job_id, verb="retry", phase="acked")
    return len(dead)


def sweep(arena: Arena, nursery: Nursery, dice: random.Random, kills: int) -> dict[int, float]:
    """Kill `kills` workers, each a step later in the life of fresh jobs; when each died."""
    workers = [nursery.fork(), nursery.fork()]
    moments = [LIFE_SECONDS * step / kills for step in range(kills)]
    dice.shuffle(moments)
    killed: dict[int, float] = {}
    for number, moment in enumerate(moments):
        submit_at = time.monotonic()
        arena.enqueue(f"swept-{number:03}-a", f"swept-{number:03}-b", seconds=JOB_SECONDS)
        time.sleep(max(0.0, submit_at + moment - time.monotonic()))
        victim = workers.pop(0)
        nursery.signal(victim, signal.SIGKILL)
        killed[victim] = arena.fault("kill -9 of a worker")
        workers.append(nursery.fork())
        time.sleep(0.1)  # the next life begins with an idle worker
    return killed


@pytest.mark.long_fault
def test_two_hundred_kills_over_a_jobs_life_lose_nothing(arena: Arena, dice: random.Random) -> None:
    killed = sweep(arena, arena.nursery(), dice, KILLS)
    arena.come_to_rest()
    if buried := retry_what_died_three_times(arena):
        arena.come_to_rest()

    delays = delays_after_kills(arena.history(), killed)
    history, store = arena.verdict(
        "F1",
        f"kill -9 of {KILLS} workers, swept over a job's life",
        recovery=delays,
        within=LEASE_SECONDS * 10,
        note=f"{len(delays)} runs cut off, {buried} met by three kills in a row and retried by hand",
    )
    assert len(delays) > KILLS / 20
    assert len(history.acked) == 2 * KILLS == store.totals["completed"]


def test_twenty_kills_over_a_jobs_life_lose_nothing(arena: Arena, dice: random.Random) -> None:
    killed = sweep(arena, arena.nursery(), dice, 20)
    arena.come_to_rest()
    if retry_what_died_three_times(arena):
        arena.come_to_rest()

    arena.verdict(
        "F1 (short)",
        "kill -9 of 20 workers, swept over a job's life",
        recovery=delays_after_kills(arena.history(), killed),
        within=LEASE_SECONDS * 10,
    )

"""The real worker process: killed, stopped, over its limits, cancelled, poisoned."""

from __future__ import annotations

import os
import signal
import statistics
import time
from pathlib import Path

import pytest

from fixtures.worker import StartWorker
from queue_engine.domain.audit import Action
from queue_engine.domain.job import FailureKind, JobState
from queue_engine.engine import QueueEngine
from support.sample_jobs.sample import QUEUE
from support.waiting import wait_until
from support.workers import enqueue, state_of

LEASE_SECONDS = 1.5
SHORT_LEASE = {"WORKER_LEASE_MS": "1500"}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.touch()
    return path


def lines(notes: Path, word: str = "") -> list[str]:
    return [line for line in notes.read_text().splitlines() if word in line]


def test_a_job_of_a_killed_worker_runs_again_within_lease_and_two_seconds(
    start_worker: StartWorker, engine: QueueEngine, notes: Path
) -> None:
    workers = {str(worker.process.pid): worker for worker in (start_worker(**SHORT_LEASE), start_worker(**SHORT_LEASE))}
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 2})
    [begin] = wait_until(lambda: lines(notes, "begin"))
    victim = workers.pop(begin.split()[1])
    [rescuer] = workers.values()

    victim.process.kill()
    killed_at = time.monotonic()
    wait_until(lambda: len(lines(notes, "begin")) == 2, within=LEASE_SECONDS + 2)
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.COMPLETED, within=5)

    assert time.monotonic() - killed_at > 0.5  # not before its lease could end
    job = engine.get_job(QUEUE, job_id).job
    assert (job.attempts_made, engine.count_jobs(QUEUE).totals["lost"]) == (1, 1)
    assert str(rescuer.process.pid) in lines(notes, "end")[0]


def test_a_frozen_workers_late_word_changes_nothing(
    start_worker: StartWorker, engine: QueueEngine, notes: Path
) -> None:
    frozen = start_worker(**SHORT_LEASE)
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 1})
    wait_until(lambda: lines(notes, "begin"))
    pid = frozen.process.pid
    assert pid is not None

    os.kill(pid, signal.SIGSTOP)
    try:
        start_worker(**SHORT_LEASE)
        wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.COMPLETED, within=LEASE_SECONDS + 4)
        settled_by = engine.get_job(QUEUE, job_id).job.worker
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "lease_lost" in frozen.log)
    assert f'queue_lease_lost_total{{queue="{QUEUE}"}} 1.0' in frozen.probe("metrics")

    assert engine.get_job(QUEUE, job_id).job.worker == settled_by
    assert engine.count_jobs(QUEUE).completed == 1


def test_a_job_over_its_time_limit_is_stopped(start_worker: StartWorker, engine: QueueEngine, notes: Path) -> None:
    start_worker()
    limits = {"timeout_ms": 300, "attempts": 1}
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 60}, **limits)
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.FAILED)

    job = engine.get_job(QUEUE, job_id).job
    assert (job.failure_kind, job.dead) == (FailureKind.TIMEOUT, True)
    assert not lines(notes, "end")


def test_a_timeout_is_tried_again_while_attempts_remain(
    start_worker: StartWorker, engine: QueueEngine, notes: Path
) -> None:
    start_worker()
    limits = {"timeout_ms": 200, "attempts": 2}
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 60}, **limits)
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.FAILED, within=8)

    assert len(lines(notes, "begin")) == 2


def test_a_cancel_takes_effect_within_two_seconds(start_worker: StartWorker, engine: QueueEngine, notes: Path) -> None:
    start_worker(WORKER_THREADS="20")
    jobs = [enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 60}) for _ in range(20)]
    wait_until(lambda: len(lines(notes, "begin")) == 20)

    asked_at: dict[str, float] = {}
    took: dict[str, float] = {}
    for number, job_id in enumerate(jobs):
        action = Action(event_id=str(number), actor="ops")
        asked_at[job_id] = time.monotonic()
        assert engine.cancel_job(QUEUE, job_id, action=action) == "requested"
        time.sleep(0.05)  # spreads the requests over the seconds between two looks
    while len(took) < len(jobs) and time.monotonic() - asked_at[jobs[-1]] < 5:
        ended = {job.job_id for job in engine.list_jobs(QUEUE, JobState.FAILED, offset=0, limit=50).jobs}
        took |= {job_id: time.monotonic() - asked_at[job_id] for job_id in ended - took.keys()}

    assert len(took) == 20
    assert statistics.quantiles(took.values(), n=20)[-1] < 2
    counts = engine.count_jobs(QUEUE)
    assert (counts.totals["cancelled"], counts.totals["retried"], counts.dead) == (20, 0, 0)
    assert not lines(notes, "end")


def test_sigterm_lets_a_running_job_end_and_gives_back_the_rest(
    start_worker: StartWorker, engine: QueueEngine, notes: Path
) -> None:
    worker = start_worker(WORKER_THREADS="1")
    running = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 1})
    wait_until(lambda: lines(notes, "begin"))
    waiting = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 1})

    worker.process.ask_to_stop()
    assert worker.process.wait(10) == 0

    assert state_of(engine, QUEUE, running) is JobState.COMPLETED
    assert state_of(engine, QUEUE, waiting) is JobState.WAITING
    assert len(lines(notes, "begin")) == 1


def test_a_job_longer_than_the_drain_is_given_back_after_it_stopped(
    start_worker: StartWorker, engine: QueueEngine, notes: Path
) -> None:
    worker = start_worker(WORKER_DRAIN_SECONDS="0.5")
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 60})
    wait_until(lambda: lines(notes, "begin"))

    worker.process.ask_to_stop()
    assert worker.process.wait(10) == 0

    job = engine.get_job(QUEUE, job_id).job
    assert (job.state, job.attempts_made, engine.count_jobs(QUEUE).totals["lost"]) == (JobState.WAITING, 0, 0)


def test_poison_is_buried_after_three_executions_and_harms_nobody(
    make_worker: StartWorker, engine: QueueEngine, notes: Path, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    jobs = [enqueue(engine, QUEUE, "note", {"path": str(others)}) for _ in range(30)]
    poison = enqueue(engine, QUEUE, "die", {"path": str(notes)})
    jobs += [enqueue(engine, QUEUE, "note", {"path": str(others)}) for _ in range(30)]

    worker = make_worker(**SHORT_LEASE)

    def restarted_until_done() -> bool:
        if not worker.process.alive:
            worker.process.start()
        counts = engine.count_jobs(QUEUE)
        return counts.completed == 60 and counts.dead == 1

    wait_until(restarted_until_done, within=30, every=0.05)

    job = engine.get_job(QUEUE, poison).job
    assert (job.dead, job.failure_kind, len(lines(notes))) == (True, FailureKind.WORKER_LOST, 3)
    assert {state_of(engine, QUEUE, other) for other in jobs} == {JobState.COMPLETED}


def test_an_immediate_outcome_survives_a_kill_right_after_it(
    start_worker: StartWorker, engine: QueueEngine, notes: Path
) -> None:
    worker = start_worker(WORKER_THREADS="1", **SHORT_LEASE)
    first = enqueue(engine, QUEUE, "note-now", {"path": str(notes)})
    second = enqueue(engine, QUEUE, "note-now", {"path": str(notes), "seconds": 30})
    wait_until(lambda: len(lines(notes, "begin")) == 2)

    worker.process.kill()

    assert state_of(engine, QUEUE, first) is JobState.COMPLETED
    assert state_of(engine, QUEUE, second) is JobState.ACTIVE

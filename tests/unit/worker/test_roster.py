from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.jobs import a_job
from worker.dramatiq_broker.job import Job
from worker.dramatiq_broker.roster import HORIZON, LONGEST_ASK, MOST_HELD, Roster


def run(roster: Roster, seconds: float, *, queue: str = "q") -> None:
    """Let a job of that duration pass."""
    job = a_job(queue=queue)
    roster.add(job)
    roster.begin(job)
    job.began_at -= seconds
    roster.end(job)


def hold(roster: Roster, count: int, *, queue: str = "q") -> list[Job]:
    jobs = [a_job(queue=queue) for _ in range(count)]
    for job in jobs:
        roster.add(job)
    return jobs


@contextmanager
def busy(roster: Roster, job: Job, *, for_seconds: float = 0.0) -> Iterator[None]:
    roster.begin(job)
    job.began_at -= for_seconds
    yield
    roster.end(job)


def test_unknown_jobs_are_taken_for_slow_one_per_thread() -> None:
    assert Roster(threads=8).room("q") == 8


def test_short_jobs_are_held_by_the_dozen() -> None:
    roster = Roster(threads=8)
    run(roster, 0.0001)

    assert roster.room("q") == MOST_HELD


def test_slow_jobs_are_not_held_beyond_the_free_threads() -> None:
    roster = Roster(threads=8)
    run(roster, 1.0)
    hold(roster, 3)

    assert roster.room("q") == 5


def test_what_is_held_is_what_the_threads_finish_in_the_horizon() -> None:
    roster = Roster(threads=2)
    run(roster, HORIZON / 10)

    assert roster.room("q") == pytest.approx(20, abs=1)


def test_a_slow_network_is_provided_for_but_not_beyond_what_may_wait() -> None:
    roster = Roster(threads=2)
    run(roster, 0.05)
    assert roster.room("q") == pytest.approx(2 * HORIZON / 0.05, abs=1)

    for _ in range(50):
        roster.asked(0.5)
    assert roster.room("q") == pytest.approx(2 * (HORIZON + 0.5) / 0.05, abs=1)

    for _ in range(50):
        roster.asked(60.0)
    assert roster.room("q") == pytest.approx(2 * (HORIZON + LONGEST_ASK) / 0.05, abs=1)


def test_a_job_that_runs_long_counts_for_what_it_took_so_far() -> None:
    roster = Roster(threads=1)
    run(roster, 0.0001)
    with busy(roster, hold(roster, 1)[0], for_seconds=5):
        assert roster.room("q") == 0


def test_durations_follow_what_happens_now() -> None:
    roster = Roster(threads=8)
    run(roster, 0.0001)
    for _ in range(20):
        run(roster, 1.0)

    assert roster.room("q") == 8


def test_a_queue_that_found_no_room_gets_its_share() -> None:
    roster = Roster(threads=4)
    jobs = hold(roster, 4, queue="busy")

    assert roster.room("calm") == 0
    roster.recall(jobs[0])
    assert roster.room("busy") == 0
    assert roster.room("calm") == 1


def test_queues_that_share_too_few_threads_take_turns() -> None:
    roster = Roster(threads=1)
    (job,) = hold(roster, 1, queue="busy")
    assert roster.room("calm") == 0
    roster.recall(job)

    assert roster.room("busy") == 0
    assert roster.room("calm") == 1
    assert roster.room("busy") == 1


def test_nothing_is_taken_while_draining_or_beside_a_suspect() -> None:
    roster = Roster(threads=4)
    roster.draining = True
    assert roster.room("q") == 0

    roster.draining = False
    roster.suspects["q"] = a_job(suspect=True)
    assert roster.room("q") == 0


def test_a_recalled_job_does_not_begin_and_a_begun_one_is_not_recalled() -> None:
    roster = Roster(threads=4)
    first, second = hold(roster, 2)

    assert roster.recall(first)
    assert not roster.begin(first)
    assert roster.begin(second)
    assert not roster.recall(second)
    assert second.began_at == pytest.approx(time.monotonic(), abs=1)

"""Jobs as functions before 1.6 wrote them: a delivery in four fields, and a completion counted as an attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from engine.builders import QUEUE, Worker, a_failure, a_job
from queue_engine.domain.job import IfExists, JobState
from queue_engine.domain.lease import Completed, Outcome, Released, Renewal, Verdict
from queue_engine.engine import QueueEngine

KEY = f"jobs:{{{QUEUE}}}:j:job-1"


def make_older(client: redis.Redis) -> None:
    """Write the job as those functions would have left it."""
    last: Any = client.hget(KEY, "l")
    token, taken_at, number, score, worker = last.decode().split(" ", 4)
    client.hset(KEY, mapping={"l": f"{token} {worker}", "t0": taken_at, "dl": number, "q": score})
    if client.hget(KEY, "s") == b"completed":
        client.hincrby(KEY, "at", 1)


def is_current(client: redis.Redis) -> bool:
    return client.hmget(KEY, "t0", "dl", "q") == [None, None, None]


def outcomes_of(engine: QueueEngine) -> list[tuple[int, str, str]]:
    return [(each.delivery, each.worker, each.outcome) for each in engine.get_job(QUEUE, "job-1").attempts]


@pytest.fixture
def older(engine: QueueEngine, worker: Worker, client: redis.Redis) -> Callable[[Outcome | None], None]:
    """Makes an older job that was taken once, and reported when an outcome is given."""

    def make(outcome: Outcome | None) -> None:
        engine.enqueue_job(QUEUE, a_job())
        lease = worker.take_one()
        if outcome:
            worker.report(lease, outcome)
        make_older(client)

    return make


def test_an_older_lease_is_renewed_and_reported_by_its_worker(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    make_older(client)

    assert engine.renew_leases([lease], worker="worker-1", lease_ms=30_000) == [Renewal.RENEWED]
    assert engine.renew_leases([lease], worker="worker-2", lease_ms=30_000) == [Renewal.LOST]
    assert worker.complete(lease) is Verdict.SETTLED

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.attempts_made, job.deliveries, job.worker) == (1, 1, "worker-1")
    assert outcomes_of(engine) == [(1, "worker-1", "completed")]
    assert is_current(client)


def test_an_older_lease_that_expired_is_lost_and_returns_to_its_place(
    engine: QueueEngine, worker: Worker, client: redis.Redis, older: Callable[[Outcome | None], None]
) -> None:
    older(None)
    client.zadd(f"jobs:{{{QUEUE}}}:active", {"job-1": 1})

    assert engine.reap_leases(QUEUE) == 1

    assert outcomes_of(engine) == [(1, "worker-1", "lost")]
    lease = worker.take_one()
    assert (lease.deliveries, lease.suspect) == (2, True)


def test_an_older_lease_that_nobody_knows_is_given_back(
    engine: QueueEngine, worker: Worker, client: redis.Redis, older: Callable[[Outcome | None], None]
) -> None:
    older(None)

    assert engine.reclaim_leases(QUEUE, worker="worker-1", known_tokens=[]) == 1

    assert worker.take_one().deliveries == 1
    assert is_current(client)


@pytest.mark.parametrize(("outcome", "deliveries"), [(a_failure(), 2), (Released(), 1), (Released(begun=True), 2)])
def test_an_older_job_goes_on_counting_its_deliveries(
    worker: Worker, older: Callable[[Outcome | None], None], outcome: Outcome, deliveries: int
) -> None:
    older(outcome)

    assert worker.take_one().deliveries == deliveries


def test_an_older_completed_job_is_shown_as_it_was_and_keeps_its_history(
    engine: QueueEngine, worker: Worker, older: Callable[[Outcome | None], None]
) -> None:
    older(Completed())
    job = engine.get_job(QUEUE, "job-1").job
    assert (job.state, job.attempts_made, job.deliveries, job.worker) == (JobState.COMPLETED, 1, 1, "worker-1")

    engine.enqueue_job(QUEUE, a_job(if_exists=IfExists.REPLACE))

    assert worker.take_one().deliveries == 2
    assert outcomes_of(engine)[0] == (1, "worker-1", "completed")

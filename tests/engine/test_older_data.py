"""Jobs as older functions wrote them. Before 1.6: a delivery in four fields, a completion counted as an attempt.
Before 1.7: a digest without the window and the request that made the job, and no note of its lists. Before 1.8: name,
time of creation and these in a field each. Before 1.9: no word on whether there are settings or options, and a field
with the end of a completed job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import redis

from engine.builders import QUEUE, Worker, a_failure, a_job, an_action, keys_of
from queue_engine.domain.bulk import JobFilter
from queue_engine.domain.errors import IdConflict
from queue_engine.domain.job import Enqueued, IfExists, JobState, Retention
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


@pytest.fixture(params=["1.6", "1.7", "1.8"])
def make_older_made(request: pytest.FixtureRequest, client: redis.Redis) -> Callable[[], None]:
    """Brings how the job was made, and when it ended, into the fields of that version."""

    def make() -> None:
        ended: Any = client.zscore(f"jobs:{{{QUEUE}}}:completed", "job-1")
        if ended:
            client.hset(KEY, "t1", int(ended))
        made: Any = client.hget(KEY, "m")
        if request.param == "1.8":
            client.hset(KEY, "m", made[:13] + b" " + made[14:])
            return
        created, digest, (name, *more) = made[:13], made[14:22], made[23:].split(b" ", 2)
        window, by = more[:1] or [b"-"], more[1:]
        older = {b"n": name, b"ts": created, b"x": b" ".join([digest, *window, *by])}
        if request.param == "1.6":
            older[b"x"] = digest
            older |= {b"rq": by[0]} if by else {}
            client.hdel(KEY, "h")
        client.hdel(KEY, "m")
        client.hset(KEY, mapping=older)  # type: ignore[arg-type]  # the stubs want texts

    return make


def test_an_older_job_is_answered_and_told_from_another_meaning(
    engine: QueueEngine, make_older_made: Callable[[], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    make_older_made()

    assert engine.enqueue_job(QUEUE, a_job()) == Enqueued("job-1", JobState.WAITING, created=False)
    with pytest.raises(IdConflict):
        engine.enqueue_job(QUEUE, a_job(data=b"2"))


def test_an_older_replacement_is_not_done_again_and_another_is(
    engine: QueueEngine, client: redis.Redis, make_older_made: Callable[[], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job(if_exists=IfExists.REPLACE, request="r1"))
    make_older_made()
    older: Any = client.hget(KEY, "m")

    again = a_job(if_exists=IfExists.REPLACE, request="r1")
    assert engine.enqueue_job(QUEUE, again) == Enqueued("job-1", JobState.WAITING, created=True)
    assert client.hget(KEY, "m") == older

    another = engine.enqueue_job(QUEUE, a_job(if_exists=IfExists.REPLACE, request="r2"))
    assert another.replaced
    assert client.hmget(KEY, "n", "ts", "x", "rq") == [None] * 4


def test_an_older_job_leaves_a_tombstone_for_its_window_and_no_list(
    engine: QueueEngine, worker: Worker, client: redis.Redis, make_older_made: Callable[[], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job(dedup_ms=5_000, if_exists=IfExists.REPLACE, request="r1"))
    worker.run(a_failure())
    worker.run(Completed())
    make_older_made()

    assert QueueEngine(engine._store, retention=Retention(completed_count=0)).prune_jobs(QUEUE) == 1

    grave = f"jobs:{{{QUEUE}}}:t:job-1"
    assert keys_of(client, f"jobs:{{{QUEUE}}}:?:job-1") == [grave]
    remembered: Any = client.pttl(grave)
    assert 3_000 < remembered <= 5_000
    again = a_job(if_exists=IfExists.REPLACE, request="r1", dedup_ms=5_000)
    assert engine.enqueue_job(QUEUE, again) == Enqueued("job-1", JobState.COMPLETED, created=True)


def test_an_older_job_is_shown_found_and_taken_as_what_it_is(
    engine: QueueEngine, worker: Worker, make_older_made: Callable[[], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    before = engine.get_job(QUEUE, "job-1").job
    make_older_made()

    assert engine.get_job(QUEUE, "job-1").job == before
    assert [job.job_id for job in engine.find_jobs(before.name, queue=QUEUE).jobs] == ["job-1"]
    lease = worker.take_one()
    assert (lease.name, lease.created_at_ms) == (before.name, before.created_at_ms)


def test_settings_and_options_of_an_older_job_are_found(
    engine: QueueEngine, worker: Worker, make_older_made: Callable[[], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job(attempts=7, options=b'{"traceparent":"t"}'))
    make_older_made()

    lease = worker.take_one()
    assert (lease.max_attempts, lease.options) == (7, b'{"traceparent":"t"}')


def test_when_an_older_job_was_completed_is_still_known(
    engine: QueueEngine, worker: Worker, make_older_made: Callable[[], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(Completed())
    before = engine.get_job(QUEUE, "job-1").job
    assert before.finished_at_ms is not None
    make_older_made()

    assert engine.get_job(QUEUE, "job-1").job == before
    which = JobFilter(state=JobState.COMPLETED, finished_after_ms=before.finished_at_ms)
    assert engine.remove_jobs(QUEUE, which, action=an_action()).done == 1


def test_an_older_dead_job_is_grouped_and_recorded_by_its_name(
    engine: QueueEngine, worker: Worker, make_older_made: Callable[[], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job(attempts=1))
    lease = worker.take_one()
    make_older_made()

    worker.report(lease, a_failure())
    assert [group.name for group in engine.list_error_groups(QUEUE).groups] == ["ticket.created"]

    engine.remove_job(QUEUE, "job-1", action=an_action())
    (record,) = engine.claim_audit(QUEUE, shipper="s1", lease_ms=60_000)
    assert orjson.loads(record.detail)["name"] == "ticket.created"

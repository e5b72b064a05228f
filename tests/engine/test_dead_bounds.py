from __future__ import annotations

import orjson
import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, assert_consistent
from queue_engine.domain.errors import JobNotFound
from queue_engine.domain.job import Enqueued, FailureKind, IfExists, JobState, Retention
from queue_engine.engine import QueueEngine
from queue_engine.store.keys import meta_key
from queue_engine.store.library import FUNCTION_PREFIX


def bury(engine: QueueEngine, *job_ids: str, **fields: object) -> None:
    worker = Worker(engine)
    for job_id in job_ids:
        engine.enqueue_job(QUEUE, a_job(job_id, **fields))
        worker.run(a_failure(retry_delay_ms=None))


def dead_ids(engine: QueueEngine) -> list[str]:
    return [job.job_id for job in engine.list_jobs(QUEUE, JobState.FAILED, offset=0, limit=100).jobs]


def dead_bytes(engine: QueueEngine) -> int:
    return engine.count_jobs(QUEUE).dead_bytes


def with_bounds(engine: QueueEngine, **bounds: int) -> QueueEngine:
    return QueueEngine(engine._store, retention=Retention(**bounds))


def test_the_oldest_dead_jobs_beyond_the_number_are_discarded_with_a_record_each(engine: QueueEngine) -> None:
    bury(engine, "a", "b", "c", "d")

    assert with_bounds(engine, dead_count=2).prune_jobs(QUEUE) == 2

    assert dead_ids(engine) == ["d", "c"]
    records = engine.claim_audit(QUEUE, shipper="test", lease_ms=1_000)
    assert [(r.action, r.actor, r.job_id, r.reason) for r in records] == [
        ("discard", "retention", job_id, "more than 2 dead jobs") for job_id in ("a", "b")
    ]
    detail = orjson.loads(records[0].detail)
    assert (detail["name"], detail["kind"]) == ("ticket.created", FailureKind.EXCEPTION)
    assert detail["diedAt"] <= records[0].at_ms
    assert len({record.event_id for record in records}) == 2
    totals = engine.count_jobs(QUEUE).totals
    assert (totals["discarded"], totals["pruned"]) == (2, 2)


def test_the_oldest_dead_jobs_beyond_the_bytes_are_discarded(engine: QueueEngine) -> None:
    bury(engine, "a", "b", "c", data=orjson.dumps({"pad": "x" * 10_000}))
    each = dead_bytes(engine) // 3

    assert with_bounds(engine, dead_bytes=round(1.5 * each)).prune_jobs(QUEUE) == 2

    assert dead_ids(engine) == ["c"]
    assert each * 0.9 < dead_bytes(engine) < each * 1.1
    (first, _) = engine.claim_audit(QUEUE, shipper="test", lease_ms=1_000)
    assert first.reason == f"more than {round(1.5 * each)} bytes of dead jobs"


def test_within_their_bounds_dead_jobs_stay_however_old(engine: QueueEngine, client: redis.Redis) -> None:
    bury(engine, "a", "b")
    client.zadd(f"jobs:{{{QUEUE}}}:dead", {"a": 1})

    assert with_bounds(engine, dead_count=2).prune_jobs(QUEUE) == 0
    assert sorted(dead_ids(engine)) == ["a", "b"]


def test_a_caller_of_the_version_before_knows_no_bounds(engine: QueueEngine, client: redis.Redis) -> None:
    bury(engine, "a", "b")

    answer = client.fcall(f"{FUNCTION_PREFIX}prune_jobs", 1, meta_key(QUEUE), 1_000, 1_000, 1_000, 1_000, 1_000)

    assert answer == [b"OK", 0]
    assert sorted(dead_ids(engine)) == ["a", "b"]


def test_the_id_of_a_discarded_job_is_still_answered(engine: QueueEngine) -> None:
    bury(engine, "a", "b")

    with_bounds(engine, dead_count=1).prune_jobs(QUEUE)

    with pytest.raises(JobNotFound):
        engine.get_job(QUEUE, "a")
    assert engine.enqueue_job(QUEUE, a_job("a")) == Enqueued("a", JobState.FAILED, created=False)


def test_at_most_a_hundred_are_discarded_at_a_time(engine: QueueEngine) -> None:
    bury(engine, *(f"dead-{number:03}" for number in range(103)))
    bounded = with_bounds(engine, dead_count=1)

    assert [bounded.prune_jobs(QUEUE) for _ in range(3)] == [100, 2, 0]


def test_the_bytes_of_the_dead_are_those_of_their_data_and_history(engine: QueueEngine) -> None:
    bury(engine, "small")
    small = dead_bytes(engine)
    bury(engine, "large", data=orjson.dumps({"pad": "x" * 50_000}))

    assert 0 < small < 5_000
    assert 50_000 < dead_bytes(engine) - small < 80_000


def test_who_leaves_the_dead_takes_its_bytes_along(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    bury(engine, "retried", "removed", "replaced")
    engine.retry_job(QUEUE, "retried", action=an_action())
    engine.remove_job(QUEUE, "removed", action=an_action())
    engine.enqueue_job(QUEUE, a_job("replaced", data=b"2", if_exists=IfExists.REPLACE))
    assert dead_bytes(engine) == 0

    for lease in worker.take():
        worker.report(lease, a_failure(retry_delay_ms=None))
    engine.enqueue_job(QUEUE, a_job("lost"))
    for _ in range(3):
        worker.take()
        clock.expire_lease("lost")
        engine.reap_leases(QUEUE)

    assert sorted(dead_ids(engine)) == ["lost", "replaced", "retried"]
    assert dead_bytes(engine) > 0
    for job_id in dead_ids(engine):
        engine.remove_job(QUEUE, job_id, action=an_action())
    assert dead_bytes(engine) == 0


def test_what_cannot_be_read_is_discarded_too(engine: QueueEngine, worker: Worker, client: redis.Redis) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("bad"), a_job("gone")])
    for job_id in ("bad", "gone"):
        client.delete(f"jobs:{{{QUEUE}}}:j:{job_id}")
    worker.take()
    client.delete(f"jobs:{{{QUEUE}}}:j:gone")
    bury(engine, "sound")  # the last by its id too: that orders those who died in the same millisecond

    assert with_bounds(engine, dead_count=1).prune_jobs(QUEUE) == 2
    assert dead_ids(engine) == ["sound"]
    client.delete(*client.keys(f"jobs:{{{QUEUE}}}:g:*"), f"jobs:{{{QUEUE}}}:groups", f"jobs:{{{QUEUE}}}:groups:about")
    engine.remove_job(QUEUE, "sound", action=an_action())
    assert_consistent(client)

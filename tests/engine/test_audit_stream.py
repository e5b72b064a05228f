from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
import redis

from engine.builders import QUEUE, Worker, a_failure, a_job, an_action
from queue_engine.domain.audit import AuditRecord
from queue_engine.domain.errors import WrongState
from queue_engine.domain.job import JobState
from queue_engine.engine import JobFilter, QueueEngine


def claim(engine: QueueEngine, shipper: str = "s1", lease_ms: int = 60_000) -> list[AuditRecord]:
    return engine.claim_audit(QUEUE, shipper=shipper, lease_ms=lease_ms)


def a_dead_job(engine: QueueEngine, job_id: str = "job-1") -> None:
    engine.enqueue_job(QUEUE, a_job(job_id))
    Worker(engine).run(a_failure(retry_delay_ms=None))


def test_every_manual_action_is_recorded_in_order_with_who_and_why(engine: QueueEngine) -> None:
    a_dead_job(engine)
    engine.retry_job(QUEUE, "job-1", action=an_action("fixed", "e1"))
    engine.cancel_job(QUEUE, "job-1", action=an_action("not needed", "e2"))
    engine.remove_job(QUEUE, "job-1", action=an_action("tidy", "e3"))
    engine.pause_queue(QUEUE, action=an_action("", "e4"))
    engine.pause_queue(QUEUE, action=an_action("", "again"))
    engine.resume_queue(QUEUE, action=an_action("", "e5"))
    engine.record_action(QUEUE, action=an_action("", "e6"), verb="drain", detail='{"worker":"w"}')

    records = claim(engine)

    assert [(r.event_id, r.action, r.job_id, r.reason) for r in records] == [
        ("e1", "retry", "job-1", "fixed"),
        ("e2", "cancel", "job-1", "not needed"),
        ("e3", "remove", "job-1", "tidy"),
        ("e4", "pause", "", ""),
        ("e5", "resume", "", ""),
        ("e6", "drain", "", ""),
    ]
    first = records[0]
    assert (first.actor, first.issuer, first.token_id, first.queue) == ("ops@local", "https://issuer", "token-1", QUEUE)
    assert first.request_id == ""
    assert records[-1].detail == '{"worker":"w"}'
    assert all(orjson.loads(record.detail) is not None for record in records)


def test_a_record_names_the_request_that_asked_also_when_a_cancel_ends_later_and_in_bulk(engine: QueueEngine) -> None:
    worker = Worker(engine)
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    engine.cancel_job(QUEUE, "job-1", action=replace(an_action("", "e1"), request_id="r-1"))
    worker.complete(lease)
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b")])
    which = JobFilter(state=JobState.WAITING, ids=("a", "b"))
    engine.remove_jobs(QUEUE, which, action=replace(an_action("", "e2"), request_id="r-2"))

    assert [(r.event_id, r.action, r.request_id) for r in claim(engine)] == [
        ("e1", "cancel", "r-1"),
        ("e1:outcome", "cancel_outcome", "r-1"),
        ("e2:a", "remove", "r-2"),
        ("e2:b", "remove", "r-2"),
    ]


def test_a_retry_with_edited_data_records_old_and_new(engine: QueueEngine) -> None:
    a_dead_job(engine)

    engine.retry_job(QUEUE, "job-1", action=an_action(), data=b'{"ticketId":2}')

    assert orjson.loads(claim(engine)[0].detail) == {"old": {"ticketId": 1}, "new": {"ticketId": 2}}


def test_a_refused_action_is_not_recorded(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job())
    Worker(engine).take()

    for attempt in (engine.retry_job, engine.remove_job):
        with pytest.raises(WrongState):
            attempt(QUEUE, "job-1", action=an_action())

    assert claim(engine) == []


def test_each_job_of_a_bulk_action_has_a_record_of_its_own(engine: QueueEngine) -> None:
    a_dead_job(engine, "a")
    a_dead_job(engine, "b")

    engine.retry_jobs(QUEUE, JobFilter(), action=an_action("all", "bulk"))

    assert sorted(record.event_id for record in claim(engine)) == ["bulk:a", "bulk:b"]


def test_one_shipper_at_a_time_until_its_claim_ends(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job(), action=an_action())

    assert len(claim(engine, "s1")) == 1
    assert len(claim(engine, "s1")) == 1
    assert claim(engine, "s2") == []
    client.delete(f"jobs:{{{QUEUE}}}:audit:claim")
    assert len(claim(engine, "s2")) == 1


def test_only_the_holder_of_the_claim_settles_and_parks(engine: QueueEngine) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")], action=an_action())
    first, second, third = claim(engine, "s1")

    assert engine.settle_audit(QUEUE, [first.entry_id], shipper="s2") == 0
    engine.park_audit(QUEUE, second.entry_id, shipper="s2", why="no")
    assert engine.audit_backlog(QUEUE)[:2] == (3, 0)

    assert engine.settle_audit(QUEUE, [first.entry_id], shipper="s1") == 1
    assert engine.settle_audit(QUEUE, [first.entry_id], shipper="s1") == 0
    engine.park_audit(QUEUE, second.entry_id, shipper="s1", why="refused")
    engine.park_audit(QUEUE, second.entry_id, shipper="s1", why="refused")

    assert [record.entry_id for record in claim(engine, "s1")] == [third.entry_id]
    waiting, parked, age = engine.audit_backlog(QUEUE)
    assert (waiting, parked) == (1, 1)
    assert age is not None
    assert age >= 0


def test_a_parked_record_keeps_its_fields_and_the_reason(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job(), action=an_action("", "e1"))
    engine.park_audit(QUEUE, claim(engine)[0].entry_id, shipper="s1", why="schema")

    parked: Any = client.xrange(f"jobs:{{{QUEUE}}}:audit:parked")

    ((_, fields),) = parked
    assert (fields[b"event"], fields[b"why"]) == (b"e1", b"schema")
    assert engine.audit_backlog(QUEUE) == (0, 1, None)

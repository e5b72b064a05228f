from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action
from queue_engine.domain.erasure import Erasure
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import JobRef, NewJob, Retention
from queue_engine.domain.job_type import JobType
from queue_engine.domain.lease import Completed
from queue_engine.engine import QueueEngine
from support.whole_store import everything

TOM = "user-tom"
LATER = 3_600_000
SCHEMA = {"properties": {"userId": {"type": "string", "x-subject": True}, "by": {"type": "string"}}}


@pytest.fixture
def queue(engine: QueueEngine) -> QueueEngine:
    """An engine that knows a type with a marked field."""
    engine.register_job_types([JobType("ticket.created", QUEUE, 1, SCHEMA)])
    return engine


def about(user: str, job_id: str, **more: Any) -> NewJob:
    return a_job(job_id, data=json.dumps({"userId": user}).encode(), **more)


def erase(engine: QueueEngine, subject: str = TOM, **more: Any) -> Erasure:
    return engine.erasing.erase_subject(QUEUE, subject, action=an_action("request 4711"), **more)


def one_in_every_place(engine: QueueEngine) -> None:
    """Tom's jobs, one in each state but active, with attempts, log lines, a result and an error that name him."""
    worker = Worker(engine)
    for name, outcome in (
        (f"completed-{TOM}", Completed(f'{{"told": "{TOM}"}}'.encode())),
        ("dead", a_failure(f"user {TOM} has no address", retry_delay_ms=None)),
        ("retrying", a_failure(f"user {TOM} is away", retry_delay_ms=LATER)),
    ):
        engine.enqueue_job(QUEUE, about(TOM, name))
        lease = worker.take_one()
        engine.add_log(lease, f"writing to {TOM}", worker=worker.name)
        worker.report(lease, outcome)
    engine.enqueue_job(QUEUE, about(TOM, "cancelled"))
    engine.cancel_job(QUEUE, "cancelled", action=an_action())
    engine.enqueue_jobs(
        QUEUE, [about(TOM, "waiting", parent=JobRef(QUEUE, "dead")), about(TOM, "delayed", delay_ms=LATER)]
    )


def test_nothing_in_the_store_names_the_erased(queue: QueueEngine, client: redis.Redis) -> None:
    one_in_every_place(queue)
    queue.enqueue_job(QUEUE, about("user-tomasz", "other"))

    erased = erase(queue)

    assert (erased.removed, erased.redacted, erased.left, erased.next) == (6, 0, (), None)
    assert TOM.encode() + b"asz" in everything(client)
    assert TOM.encode() not in everything(client).replace(b"user-tomasz", b"")
    queue.get_job(QUEUE, "other")


def test_other_jobs_no_longer_speak_of_the_erased(queue: QueueEngine, client: redis.Redis, clock: Clock) -> None:
    worker = Worker(queue)
    queue.enqueue_jobs(QUEUE, [about("user-eva", "parent"), about("user-eva", "failed")])
    parent = worker.take_one()
    child = JobRef(QUEUE, f"told-{TOM}-email")
    queue.add_children(parent, [child, JobRef(QUEUE, "told-eva")], worker=worker.name)
    queue.add_log(parent, f"told {TOM}, and user-eva", worker=worker.name)
    queue.set_progress(parent, json.dumps([TOM]).encode(), worker=worker.name)
    worker.report(parent, Completed(json.dumps({"notified": [f"{TOM}:email"]}).encode()))
    failed = worker.take_one()
    worker.report(failed, a_failure(f"{TOM}/away", retry_delay_ms=0))
    worker.report(worker.take_one(), a_failure(f"{TOM} is away", retry_delay_ms=None))
    group_before = queue.get_job(QUEUE, "failed").job.group

    erased = erase(queue)

    assert (erased.removed, erased.redacted, erased.left) == (0, 2, ())
    assert TOM.encode() not in everything(client)
    told = queue.get_job(QUEUE, "parent")
    assert [line.text for line in told.logs] == ["told [erased], and user-eva"]
    assert told.job.return_value == b'"[erased]"'
    assert [str(one) for one in told.children] == [f"{QUEUE}:told-eva"]
    away = queue.get_job(QUEUE, "failed")
    assert away.job.failed_reason == "[erased] is away"
    assert [attempt.error for attempt in away.attempts] == ["[erased]/away", "[erased] is away"]
    assert away.job.group != group_before
    assert queue.reconciling.reconcile_queue(QUEUE).findings == ()


def test_a_running_job_is_left_and_told(queue: QueueEngine, worker: Worker) -> None:
    queue.enqueue_job(QUEUE, about(TOM, "running"))
    lease = worker.take_one()

    ((job_id, why),) = erase(queue).left
    assert (job_id, "is running" in why) == ("running", True)

    worker.complete(lease)
    assert (erase(queue).removed, erase(queue).removed) == (1, 0)


def test_what_is_not_marked_is_left_for_people(queue: QueueEngine) -> None:
    queue.enqueue_job(QUEUE, a_job("by", data=json.dumps({"userId": "user-eva", "by": TOM}).encode()))
    queue.enqueue_job(QUEUE, a_job("unknown", name="no.such.type", data=json.dumps({"userId": TOM}).encode()))
    queue.enqueue_job(QUEUE, about("user-eva", f"for-{TOM}"))

    erased = erase(queue)

    assert erased.removed == 0
    assert {job_id: why.partition(" name")[0] for job_id, why in erased.left} == {
        "by": "its data",
        "unknown": "its data",
        f"for-{TOM}": "its id",
    }


def test_an_id_that_is_remembered_of_a_job_long_gone_is_forgotten(queue: QueueEngine, client: redis.Redis) -> None:
    worker = Worker(queue)
    queue.enqueue_job(QUEUE, about(TOM, f"told-{TOM}"))
    worker.complete(worker.take_one())
    assert QueueEngine(queue._store, retention=Retention(completed_count=0)).prune_jobs(QUEUE) == 1

    assert erase(queue).redacted == 1
    assert TOM.encode() not in everything(client)


@pytest.mark.parametrize(
    ("subject", "payload"),
    [
        pytest.param("zoë@example.org", '{"userId": "zo\\u00EB@example.org"}', id="escaped"),
        pytest.param('a/"b"', '{"userId":"a\\/\\"b\\""}', id="quoted"),
        pytest.param("42", '{"userId": "42", "at": 42}', id="digits"),
    ],
)
def test_a_subject_is_found_however_json_writes_it(queue: QueueEngine, subject: str, payload: str) -> None:
    queue.enqueue_job(QUEUE, a_job(data=payload.encode()))

    assert erase(queue, subject).removed == 1


def test_a_dry_run_tells_the_same_and_changes_nothing(queue: QueueEngine, client: redis.Redis) -> None:
    one_in_every_place(queue)
    before = everything(client)

    seen = erase(queue, dry_run=True)

    assert everything(client) == before
    assert (seen.removed, seen.left) == (erase(queue).removed, ()) == (6, ())


def test_the_record_says_what_happened_and_not_to_whom(queue: QueueEngine) -> None:
    one_in_every_place(queue)
    queue.settle_audit(QUEUE, [r.entry_id for r in queue.claim_audit(QUEUE, shipper="s", lease_ms=1)], shipper="s")

    erase(queue)

    (record,) = [r for r in queue.claim_audit(QUEUE, shipper="s", lease_ms=1) if r.action == "erase_subject"]
    assert (record.job_id, record.reason, record.actor) == ("", "request 4711", "ops@local")
    assert sorted(json.loads(record.detail)["removed"]) == [
        "cancelled", "completed-[erased]", "dead", "delayed", "retrying", "waiting",
    ]  # fmt: skip


def test_an_erasure_goes_on_where_it_was_interrupted(queue: QueueEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.enqueue_jobs(QUEUE, [about(TOM, f"job-{n}") for n in range(1_000)])
    queue.enqueue_jobs(QUEUE, [about(TOM, f"more-{n}") for n in range(1_000)])
    monkeypatch.setattr("queue_engine.erasing.STRETCH_SECONDS", 0)
    removed, calls, further = 0, 0, None

    while calls == 0 or further is not None:
        erased = erase(queue, start=further)
        removed, calls, further = removed + erased.removed, calls + 1, erased.next

    assert (removed, calls > 1) == (2_000, True)
    assert queue.count_jobs(QUEUE).waiting == 0


@pytest.mark.parametrize(
    ("subject", "reason", "field"),
    [
        pytest.param(" ", "", "subject", id="blank"),
        pytest.param("a\nb", "", "subject", id="two lines"),
        pytest.param(TOM, f"User-Tom wants it: {TOM}", "reason", id="named in the reason"),
    ],
)
def test_an_erasure_that_cannot_be_is_refused(queue: QueueEngine, subject: str, reason: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        queue.erasing.erase_subject(QUEUE, subject, action=an_action(reason))

    assert refusal.value.field == field

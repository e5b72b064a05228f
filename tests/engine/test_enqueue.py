from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, ids_of, keys_of, state_of
from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.errors import (
    IdConflict,
    InvalidArgument,
    JobNotFound,
    QueueNotFound,
    QueueReserved,
    WrongState,
)
from queue_engine.domain.job import Enqueued, IfExists, JobState
from queue_engine.domain.lease import Completed
from queue_engine.engine import QueueEngine
from queue_engine.store.encode import action_args, checked_job, job_args
from queue_engine.store.keys import meta_key
from queue_engine.store.library import FUNCTION_PREFIX


def test_a_new_job_waits_and_its_queue_is_known(engine: QueueEngine) -> None:
    answer = engine.enqueue_job(QUEUE, a_job())

    assert answer == Enqueued("job-1", JobState.WAITING, created=True)
    assert engine.list_queues() == [QUEUE]


def test_everything_the_caller_chose_is_kept(engine: QueueEngine) -> None:
    backoff = Backoff(BackoffKind.FIXED, 500, 900, 0.5)

    engine.enqueue_job(
        QUEUE,
        a_job(priority=7, attempts=5, backoff=backoff, timeout_ms=1_500, owner="backend", options=b'{"a":1}'),
    )

    job = engine.get_job(QUEUE, "job-1").job
    assert (job.priority, job.max_attempts, job.backoff, job.timeout_ms) == (7, 5, backoff, 1_500)
    assert (job.owner, job.options, job.data, job.name) == ("backend", b'{"a":1}', b'{"ticketId":1}', "ticket.created")


def test_the_same_id_name_and_data_is_one_job_whatever_the_key_order(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job(data=b'{"a":1,"b":[1,2]}'))

    again = engine.enqueue_job(QUEUE, a_job(data=b'{ "b": [1, 2], "a": 1 }'))

    assert again == Enqueued("job-1", JobState.WAITING, created=False)
    assert engine.count_jobs(QUEUE).waiting == 1


@pytest.mark.parametrize("other", [{"data": b"2"}, {"name": "ticket.quoted"}], ids=["data", "name"])
def test_the_same_id_with_another_meaning_is_a_conflict(engine: QueueEngine, other: dict[str, Any]) -> None:
    engine.enqueue_job(QUEUE, a_job())

    with pytest.raises(IdConflict):
        engine.enqueue_job(QUEUE, a_job(**other))


def test_a_batch_answers_each_job_and_sees_its_own_earlier_ones(engine: QueueEngine) -> None:
    answers = engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b", delay_ms=60_000), a_job("a"), a_job("a", data=b"2")])

    assert answers[:3] == [
        Enqueued("a", JobState.WAITING, created=True),
        Enqueued("b", JobState.DELAYED, created=True),
        Enqueued("a", JobState.WAITING, created=False),
    ]
    assert isinstance(answers[3], IdConflict)


def test_a_thousand_jobs_keep_their_order(engine: QueueEngine, worker: Worker) -> None:
    ids = [f"job-{number}" for number in range(1_000)]

    engine.enqueue_jobs(QUEUE, [a_job(job_id) for job_id in ids])

    assert ids_of(worker.take(500)) + ids_of(worker.take(500)) == ids


def test_a_due_time_in_the_past_is_now(engine: QueueEngine) -> None:
    assert engine.enqueue_job(QUEUE, a_job(due_at_ms=1)).state is JobState.WAITING


def test_a_delay_counts_from_the_clock_of_the_store(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job(delay_ms=60))

    settled = worker.settle(want=1)

    assert settled.leases == ()
    assert settled.next_due_ms is not None
    assert 0 < settled.next_due_ms <= 60
    time.sleep(settled.next_due_ms / 1000 + 0.005)
    assert ids_of(worker.take()) == ["job-1"]


def test_a_replacement_takes_the_place_of_a_delayed_job(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job(delay_ms=60_000, data=b'"old"', priority=9))

    answer = engine.enqueue_job(QUEUE, a_job(delay_ms=90_000, data=b'"new"', if_exists=IfExists.REPLACE))

    assert answer == Enqueued("job-1", JobState.DELAYED, created=True, replaced=True)
    clock.make_due("job-1")
    lease = worker.take_one()
    assert lease.data == b'"new"'
    assert engine.get_job(QUEUE, "job-1").job.priority == 0
    assert engine.count_jobs(QUEUE).totals["replaced"] == 1


def test_a_replacement_keeps_the_history(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(a_failure())
    worker.run(Completed())

    engine.enqueue_job(QUEUE, a_job(if_exists=IfExists.REPLACE))

    detail = engine.get_job(QUEUE, "job-1")
    assert [attempt.outcome for attempt in detail.attempts] == ["retried", "completed"]
    assert (detail.job.attempts_made, detail.job.state) == (0, JobState.WAITING)


def test_a_replacement_that_is_sent_again_is_answered_as_before_and_not_done_again(
    engine: QueueEngine, worker: Worker
) -> None:
    engine.enqueue_job(QUEUE, a_job("old"))
    again = {"if_exists": IfExists.REPLACE, "data": b'"new"'}
    replacement, made_new = a_job("old", request="r1", **again), a_job("new", request="r2", **again)
    action = an_action()
    first = engine.enqueue_jobs(QUEUE, [replacement, made_new], action=action)
    worker.complete(worker.take_one())

    second = engine.enqueue_jobs(QUEUE, [replacement, made_new], action=action)

    assert first[0] == Enqueued("old", JobState.WAITING, created=True, replaced=True)
    assert second[0] == Enqueued("old", JobState.COMPLETED, created=True, replaced=True)
    assert first[1] == second[1] == Enqueued("new", JobState.WAITING, created=True)
    assert engine.count_jobs(QUEUE).totals["replaced"] == 1
    assert len(engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000)) == 2


def test_another_request_or_other_data_is_another_replacement(engine: QueueEngine) -> None:
    for data, request in ((b"1", "r1"), (b"2", "r1"), (b"2", "r2"), (b"2", ""), (b"2", "")):
        engine.enqueue_job(QUEUE, a_job(data=data, request=request, if_exists=IfExists.REPLACE))

    assert engine.count_jobs(QUEUE).totals["replaced"] == 4


def test_a_running_job_cannot_be_replaced(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.take()

    with pytest.raises(WrongState):
        engine.enqueue_job(QUEUE, a_job(data=b"2", if_exists=IfExists.REPLACE))
    assert engine.get_job(QUEUE, "job-1").job.data == b'{"ticketId":1}'


def test_an_enqueue_by_a_person_is_recorded_and_one_by_a_service_is_not(engine: QueueEngine) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a")])
    engine.enqueue_job(QUEUE, a_job("b"), action=an_action())
    engine.enqueue_job(QUEUE, a_job("b", if_exists=IfExists.REPLACE), action=an_action())

    records = engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000)

    assert [(record.action, record.job_id) for record in records] == [("enqueue", "b"), ("replace", "b")]


@pytest.mark.parametrize(
    "fields",
    [
        {"job_id": "a b"},
        {"job_id": "x" * 201},
        {"name": ""},
        {"data": b"{"},
        {"data": b"NaN"},
        {"data": b"[" * 300 + b"]" * 300},
        {"priority": -1},
        {"priority": 1_000_001},
        {"attempts": 0},
        {"delay_ms": -1},
        {"delay_ms": 1, "due_at_ms": 1},
        {"timeout_ms": 0},
        {"owner": "two\nlines"},
        {"backoff": Backoff(jitter=2)},
    ],
    ids=str,
)
def test_a_value_out_of_range_changes_nothing(engine: QueueEngine, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        engine.enqueue_jobs(QUEUE, [a_job("fine"), a_job(**fields)])

    assert engine.list_queues() == []


def test_nobody_enqueues_into_the_dead_letter_view_or_a_malformed_name(engine: QueueEngine) -> None:
    with pytest.raises(QueueReserved):
        engine.enqueue_job("dead-letter", a_job())
    with pytest.raises(InvalidArgument):
        engine.enqueue_job("Tickets", a_job())


def test_reading_an_unknown_queue_says_so_and_makes_none(engine: QueueEngine) -> None:
    with pytest.raises(QueueNotFound):
        engine.count_jobs("nowhere")

    assert engine.list_queues() == []


def test_a_completed_job_is_not_run_again_by_a_repeated_enqueue(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(Completed())

    assert engine.enqueue_job(QUEUE, a_job()) == Enqueued("job-1", JobState.COMPLETED, created=False)
    assert worker.take() == ()
    assert state_of(engine, "job-1") is JobState.COMPLETED


def test_a_person_who_replaces_a_job_does_not_take_it_from_its_backend(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job(owner="billing"))
    engine.enqueue_job(QUEUE, a_job(owner="olga", if_exists=IfExists.REPLACE), action=an_action())

    assert engine.get_job(QUEUE, "job-1").job.owner == "billing"


def test_a_backend_replaces_its_own_jobs_only(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job(owner="billing"))
    own = a_job(owner="billing", data=b"[2]", if_exists=IfExists.REPLACE_OWN)

    with pytest.raises(JobNotFound):
        engine.enqueue_job(QUEUE, a_job(owner="crm", if_exists=IfExists.REPLACE_OWN))
    assert engine.enqueue_job(QUEUE, own).replaced
    assert engine.get_job(QUEUE, "job-1").job.data == b"[2]"


@pytest.mark.parametrize("lines", ["soon\n0\n\n\nreturn\n\n", "x5\n0\n\n\nreturn", "?"])
def test_a_call_with_a_job_that_cannot_be_read_writes_none_of_its_jobs(
    engine: QueueEngine, client: redis.Redis, lines: str
) -> None:
    engine.enqueue_job(QUEUE, a_job("there"))
    fine = job_args(checked_job(a_job("fine")))
    args = [*action_args(None), *fine, "bad", *fine[1:3], lines]

    with pytest.raises(redis.ResponseError, match="malformed"):
        client.fcall(f"{FUNCTION_PREFIX}accept_jobs", 1, meta_key(QUEUE), *args)

    assert keys_of(client, f"jobs:{{{QUEUE}}}:j:*") == [f"jobs:{{{QUEUE}}}:j:there"]
    assert engine.count_jobs(QUEUE).waiting == 1

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_job, an_action, assert_consistent
from engine.damages import DRIFT, EVERY_DAMAGE, PREFIX, Damage, K, fill, forget, prove, unindex
from queue_engine import reconciling
from queue_engine.domain.errors import InvalidArgument, QueueNotFound, QueueReserved
from queue_engine.domain.job import DEAD_LETTER_QUEUE, JobState
from queue_engine.domain.lease import Completed
from queue_engine.domain.reconciliation import Balance, Finding, FindingKind
from queue_engine.engine import QueueEngine


@pytest.fixture
def queue(engine: QueueEngine, clock: Clock) -> QueueEngine:
    """The engine of a queue with a job in every place."""
    fill(engine, clock)
    return engine


def audited(engine: QueueEngine) -> list[tuple[str, str]]:
    """(job id, finding) of the repairs on record, with the reason given."""
    records = [record for record in engine.claim_audit(QUEUE, shipper="test", lease_ms=1) if record.action == "repair"]
    assert {record.reason for record in records} <= {"tidy up"}
    assert len({record.event_id for record in records}) == len(records)
    return [(record.job_id, json.loads(record.detail)["finding"]) for record in records]


def test_a_queue_that_is_whole_gives_no_finding_and_a_balance(queue: QueueEngine) -> None:
    findings, balance = prove(queue)

    assert findings == []
    assert balance == Balance(
        added=8, replaced=0, adjusted=0, waiting=2, active=1, delayed=1, completed=1, failed=2, removed=0, pruned=1
    )
    assert (balance.accepted, balance.missing) == (8, 0)


@pytest.mark.parametrize(
    ("damage", "named"), [pytest.param(*more, id=f"{n} {name}") for n, (name, *more) in enumerate(EVERY_DAMAGE)]
)
def test_every_damage_is_named_then_mended_and_recorded(
    queue: QueueEngine, client: redis.Redis, damage: Damage, named: list[tuple[str, FindingKind]]
) -> None:
    damage(client)
    before = client.dbsize()

    seen, _ = prove(queue)
    assert seen
    assert {(f.job_id, f.kind) for f in seen} <= {*named, *DRIFT}
    assert client.dbsize() == before
    assert audited(queue) == []

    repaired, _ = prove(queue, an_action("tidy up"))
    assert set(named) <= {(f.job_id, f.kind) for f in repaired} <= {*named, *DRIFT}
    assert sorted(audited(queue)) == sorted((f.job_id, f.kind.value) for f in repaired)

    findings, balance = prove(queue)
    assert (findings, balance.missing) == ([], 0)
    assert_consistent(client)


@pytest.mark.parametrize("job_id", ["waiting", "suspects", "delayed", "active"])
def test_a_job_that_was_lost_runs_after_the_repair(
    queue: QueueEngine, client: redis.Redis, clock: Clock, job_id: str
) -> None:
    unindex(job_id, job_id)(client)
    prove(queue, an_action("tidy up"))
    if job_id == "active":
        clock.expire_lease(job_id)

    worker, taken = Worker(queue, "worker-3"), set()
    while leases := worker.take(1):
        taken.add(leases[0].job_id)
        worker.complete(leases[0])

    assert job_id in taken


def test_a_restored_lease_is_still_its_workers(engine: QueueEngine, worker: Worker, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job("a"))
    lease = worker.take_one()
    unindex("active", "a")(client)

    prove(engine, an_action("tidy up"))

    assert engine.reap_leases(QUEUE) == 0
    worker.complete(lease)
    assert engine.get_job(QUEUE, "a").job.state is JobState.COMPLETED


def test_a_completed_job_whose_place_was_lost_counts_as_ended_when_it_was_taken(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker.run(Completed())
    unindex("completed", "job-1")(client)
    assert engine.get_job(QUEUE, "job-1").job.finished_at_ms is None

    prove(engine, an_action("tidy up"))

    job = engine.get_job(QUEUE, "job-1").job
    assert job.finished_at_ms == job.processed_at_ms


def test_what_was_lost_for_good_is_said_once_and_counted(queue: QueueEngine, client: redis.Redis) -> None:
    forget("waiting")(client)
    forget("delayed")(client)

    repaired, found = prove(queue, an_action("tidy up"))

    assert Finding(K.COUNTER_DRIFT, "", "2 jobs were accepted and are nowhere") in repaired
    assert found.missing == 2
    _, after = prove(queue)
    assert (after.adjusted, after.missing) == (-2, 0)


def test_a_proof_can_be_made_in_any_number_of_calls(
    queue: QueueEngine, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(900)])
    unindex("waiting", "waiting")(client)
    at_once, balance = prove(queue)
    monkeypatch.setattr(reconciling, "STRETCH_SECONDS", 0)

    step_by_step, same = prove(queue)

    assert queue.reconciling.reconcile_queue(QUEUE).next is not None
    assert (step_by_step, same) == (at_once, balance)
    assert [finding.kind for finding in at_once] == [K.LOST_JOB, K.COUNTER_DRIFT]
    prove(queue, an_action("tidy up"))


def test_a_large_queue_is_proved_in_many_small_steps(
    engine: QueueEngine, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in range(0, 5_000, 1_000):
        engine.enqueue_jobs(QUEUE, [a_job(f"job-{first + n}") for n in range(1_000)])
    client.delete(PREFIX + "waiting")
    sizes: list[int] = []
    call = engine._store.call

    def counted(function: str, queue: str, *args: Any, **more: Any) -> Any:
        sizes.append(len(args))
        return call(function, queue, *args, **more)

    monkeypatch.setattr(engine._store, "call", counted)
    findings, _ = prove(engine, an_action())

    assert [finding.kind for finding in findings] == [K.LOST_JOB] * 5_000
    assert len(sizes) > 50
    assert max(sizes) <= 5 + 100


@pytest.mark.parametrize(
    "start", ["", "keys", "keys@-1", "elsewhere@0", "g:x@0", "keys@99999999999999999999", "x" * 70_000]
)
def test_a_place_that_no_call_answered_is_refused(engine: QueueEngine, start: str) -> None:
    engine.enqueue_job(QUEUE, a_job())

    with pytest.raises(InvalidArgument, match="next"):
        engine.reconciling.reconcile_queue(QUEUE, start=start or "@")


def test_there_is_nothing_to_prove_where_no_queue_is(engine: QueueEngine) -> None:
    with pytest.raises(QueueNotFound):
        engine.reconciling.reconcile_queue("nowhere")
    with pytest.raises(QueueReserved):
        engine.reconciling.reconcile_queue(DEAD_LETTER_QUEUE)

"""Who enqueued whom, and how many are taken before a waiting job."""

from __future__ import annotations

import redis

from engine.builders import QUEUE, Clock, Worker, a_job, an_action, keys_of
from queue_engine.domain.job import IfExists, JobRef
from queue_engine.domain.lease import Verdict
from queue_engine.engine import QueueEngine

PARENT = JobRef("tickets", "job-1")


def children(engine: QueueEngine) -> list[str]:
    return [str(child) for child in engine.get_job(QUEUE, "job-1").children]


def test_a_job_knows_who_enqueued_it(engine: QueueEngine) -> None:
    engine.enqueue_jobs("notifications", [a_job("child", parent=JobRef("tickets", "a:b")), a_job("orphan")])

    assert engine.get_job("notifications", "child").job.parent == JobRef("tickets", "a:b")
    assert engine.get_job("notifications", "orphan").job.parent is None


def test_a_job_without_a_parent_is_stored_as_before(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job())

    assert set(client.hkeys("jobs:{tickets}:j:job-1")) == {b"s", b"d", b"m"}


def test_a_replaced_job_forgets_its_parent(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job(parent=PARENT))
    engine.enqueue_job(QUEUE, a_job(if_exists=IfExists.REPLACE))

    assert engine.get_job(QUEUE, "job-1").job.parent is None


def test_the_same_job_by_another_parent_is_the_same_job(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job(parent=PARENT))

    assert not engine.enqueue_job(QUEUE, a_job(parent=JobRef("tickets", "other"))).created


def test_a_running_job_notes_its_children_in_order_and_each_once(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()

    engine.add_children(lease, [JobRef("n", "b"), JobRef("n", "a")], worker=worker.name)
    assert engine.add_children(lease, [JobRef("n", "b"), JobRef("m", "c")], worker=worker.name) is Verdict.SETTLED

    assert children(engine) == ["n:b", "n:a", "m:c"]
    worker.complete(lease)
    assert children(engine) == ["n:b", "n:a", "m:c"]


def test_the_newest_200_children_are_kept(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()

    engine.add_children(lease, [JobRef("n", f"first-{number}") for number in range(150)], worker=worker.name)
    engine.add_children(lease, [JobRef("n", f"then-{number}") for number in range(250)], worker=worker.name)

    assert children(engine) == [f"n:then-{number}" for number in range(50, 250)]


def test_who_lost_the_lease_notes_nothing(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    clock.expire_lease("job-1")
    engine.reap_leases(QUEUE)

    assert engine.add_children(lease, [JobRef("n", "a")], worker=worker.name) is Verdict.STALE
    assert children(engine) == []


def test_children_are_forgotten_with_their_parent(engine: QueueEngine, worker: Worker, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    engine.add_children(lease, [JobRef("n", "a")], worker=worker.name)
    worker.complete(lease)

    engine.remove_job(QUEUE, "job-1", action=an_action())

    assert keys_of(client, "*:c:*") == []


def test_a_waiting_job_knows_how_many_are_taken_before_it(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("lost"), a_job("second"), a_job("third"), a_job("urgent", priority=0)])
    worker.take(1)
    clock.expire_lease("lost")
    engine.reap_leases(QUEUE)
    engine.enqueue_job(QUEUE, a_job("delayed", delay_ms=60_000))

    ahead = {job_id: engine.get_job(QUEUE, job_id).ahead for job_id in ("lost", "second", "third", "delayed")}

    assert ahead == {"lost": 0, "second": 1, "third": 2, "delayed": None}

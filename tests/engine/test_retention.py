from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from engine.builders import QUEUE, Worker, a_failure, a_job, an_action, assert_balanced, assert_consistent, keys_of
from queue_engine.domain.errors import IdConflict, JobNotFound
from queue_engine.domain.job import Enqueued, IfExists, JobRef, JobState, Retention
from queue_engine.domain.lease import Completed
from queue_engine.engine import QueueEngine


@pytest.fixture
def engine(valkey_url: str, client: redis.Redis) -> Iterator[QueueEngine]:
    queue_engine = QueueEngine.connect(valkey_url, retention=Retention(completed_count=2, cancelled_count=1))
    yield queue_engine
    assert_balanced(queue_engine)
    assert_consistent(client)
    queue_engine.close()


def complete(engine: QueueEngine, *job_ids: str, **fields: object) -> None:
    worker = Worker(engine)
    for job_id in job_ids:
        engine.enqueue_job(QUEUE, a_job(job_id, **fields))
        worker.run(Completed())


def test_completed_jobs_are_kept_up_to_their_number_newest_first(engine: QueueEngine) -> None:
    complete(engine, "a", "b", "c", "d")

    page = engine.list_jobs(QUEUE, JobState.COMPLETED, offset=0, limit=10)

    assert ([job.job_id for job in page.jobs], page.total) == (["d", "c"], 2)
    assert engine.count_jobs(QUEUE).totals["pruned"] == 2
    with pytest.raises(JobNotFound):
        engine.get_job(QUEUE, "a")


def test_the_id_of_a_pruned_job_is_still_answered(engine: QueueEngine, worker: Worker) -> None:
    complete(engine, "a", "b", "c")

    assert engine.enqueue_job(QUEUE, a_job("a")) == Enqueued("a", JobState.COMPLETED, created=False)
    with pytest.raises(IdConflict):
        engine.enqueue_job(QUEUE, a_job("a", data=b"2"))
    assert worker.take() == ()


def test_the_answer_ends_with_the_deduplication_window(engine: QueueEngine, client: redis.Redis) -> None:
    complete(engine, "a", dedup_ms=5_000)
    complete(engine, "b", "c")

    remembered = client.pttl(f"jobs:{{{QUEUE}}}:t:a")
    assert 4_000 < remembered <= 5_000
    client.pexpire(f"jobs:{{{QUEUE}}}:t:a", 1, gt=False)
    client.delete(f"jobs:{{{QUEUE}}}:t:a")

    assert engine.enqueue_job(QUEUE, a_job("a")).created


def test_a_job_without_a_window_leaves_no_tombstone(engine: QueueEngine, client: redis.Redis) -> None:
    complete(engine, "a", dedup_ms=0)
    complete(engine, "b", "c")

    assert client.exists(f"jobs:{{{QUEUE}}}:t:a") == 0


def test_a_replacement_that_is_sent_again_after_its_job_was_pruned_is_not_done_again(engine: QueueEngine) -> None:
    replacement = a_job("a", if_exists=IfExists.REPLACE, request="r1")
    action = an_action()
    engine.enqueue_job(QUEUE, replacement, action=action)
    worker = Worker(engine)
    worker.complete(worker.take_one())
    complete(engine, "b", "c")

    assert engine.enqueue_job(QUEUE, replacement, action=action) == Enqueued("a", JobState.COMPLETED, created=True)
    assert len(engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000)) == 1


def test_a_replacement_of_a_pruned_job_is_a_new_job(engine: QueueEngine) -> None:
    complete(engine, "a", "b", "c")

    answer = engine.enqueue_job(QUEUE, a_job("a", data=b"2", if_exists=IfExists.REPLACE))

    assert answer == Enqueued("a", JobState.WAITING, created=True)


def test_remove_forgets_the_id_at_once(engine: QueueEngine) -> None:
    complete(engine, "a")

    engine.remove_job(QUEUE, "a", action=an_action())

    assert engine.enqueue_job(QUEUE, a_job("a", data=b"2")).created


def test_age_takes_what_number_leaves(engine: QueueEngine, client: redis.Redis) -> None:
    complete(engine, "old", "young")
    engine.enqueue_job(QUEUE, a_job("cancelled"))
    engine.cancel_job(QUEUE, "cancelled", action=an_action())
    for index, job_id in (("completed", "old"), ("cancelled", "cancelled")):
        client.zadd(f"jobs:{{{QUEUE}}}:{index}", {job_id: 1})

    assert engine.prune_jobs(QUEUE) == 2
    assert engine.prune_jobs(QUEUE) == 0

    counts = engine.count_jobs(QUEUE)
    assert (counts.completed, counts.failed) == (1, 0)


def test_dead_jobs_are_never_taken_and_cancelled_ones_are(engine: QueueEngine) -> None:
    for number in range(3):
        engine.enqueue_jobs(QUEUE, [a_job(f"dead-{number}"), a_job(f"cancelled-{number}", delay_ms=60_000)])
        Worker(engine).run(a_failure(retry_delay_ms=None))
        engine.cancel_job(QUEUE, f"cancelled-{number}", action=an_action())

    engine.prune_jobs(QUEUE)

    page = engine.list_jobs(QUEUE, JobState.FAILED, offset=0, limit=10)
    assert sorted(job.job_id for job in page.jobs) == ["cancelled-2", "dead-0", "dead-1", "dead-2"]


def test_a_cancelled_job_that_was_retried_is_not_taken(engine: QueueEngine, worker: Worker) -> None:
    for job_id in ("a", "b"):
        engine.enqueue_job(QUEUE, a_job(job_id))
        engine.cancel_job(QUEUE, job_id, action=an_action())
        engine.retry_job(QUEUE, job_id, action=an_action())

    assert engine.prune_jobs(QUEUE) == 0
    assert len(worker.take()) == 2


def fail_once(worker: Worker) -> None:
    worker.run(a_failure())


def write_a_log_line(worker: Worker) -> None:
    worker.engine.add_log(worker.take_one(), "hello", worker=worker.name)
    worker.engine.reclaim_leases(QUEUE, worker=worker.name, known_tokens=[])


def enqueue_a_child(worker: Worker) -> None:
    worker.engine.add_children(worker.take_one(), [JobRef(QUEUE, "child")], worker=worker.name)
    worker.engine.reclaim_leases(QUEUE, worker=worker.name, known_tokens=[])


def complete_and_replace(worker: Worker) -> None:
    worker.run(Completed())
    worker.engine.enqueue_job(QUEUE, a_job("a", if_exists=IfExists.REPLACE))


@pytest.mark.parametrize("leave", [fail_once, write_a_log_line, enqueue_a_child, complete_and_replace])
def test_nothing_of_a_pruned_job_is_left_but_its_tombstone(
    engine: QueueEngine, worker: Worker, client: redis.Redis, leave: Callable[[Worker], None]
) -> None:
    engine.enqueue_job(QUEUE, a_job("a"))
    leave(worker)
    assert len(keys_of(client, f"jobs:{{{QUEUE}}}:?:a")) == 2
    worker.run(Completed())
    complete(engine, "b", "c")

    assert keys_of(client, f"jobs:{{{QUEUE}}}:?:a") == [f"jobs:{{{QUEUE}}}:t:a"]

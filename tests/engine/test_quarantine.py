from __future__ import annotations

import pytest
import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, assert_balanced, ids_of
from queue_engine.domain.job import FailureKind, IfExists, JobState
from queue_engine.domain.lease import Completed, Deferred, Interrupted, Outcome, Released, Verdict
from queue_engine.engine import QueueEngine

KEY = f"jobs:{{{QUEUE}}}:j:bad"


def is_quarantined(engine: QueueEngine) -> bool:
    job = engine.get_job(QUEUE, "bad").job
    return job.dead and job.malformed and job.failure_kind is FailureKind.PAYLOAD_INVALID


def missing(client: redis.Redis) -> None:
    client.delete(KEY)


def a_string(client: redis.Redis) -> None:
    client.delete(KEY)
    client.set(KEY, b"\xff not a job")


def a_list(client: redis.Redis) -> None:
    client.delete(KEY)
    client.rpush(KEY, "x")


def without_data(client: redis.Redis) -> None:
    client.hdel(KEY, "d")


def without_state(client: redis.Redis) -> None:
    client.hdel(KEY, "s")


def with_words_for_numbers(client: redis.Redis) -> None:
    client.hset(KEY, mapping={"l": "1 1 1 1 worker-1", "at": "many"})


def with_a_delivery_of_nothing(client: redis.Redis) -> None:
    client.hset(KEY, "l", "nonsense")


EVERY_DAMAGE = [
    missing, a_string, a_list, without_data, without_state, with_words_for_numbers, with_a_delivery_of_nothing,
]  # fmt: skip


@pytest.mark.parametrize("damage", EVERY_DAMAGE)
def test_a_job_that_cannot_be_read_is_set_aside_and_the_rest_delivered(
    engine: QueueEngine, worker: Worker, client: redis.Redis, damage: object
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("bad"), a_job("c")])
    assert callable(damage)
    damage(client)

    assert ids_of(worker.take()) == ["a", "c"]

    assert is_quarantined(engine)
    assert_balanced(engine)
    assert worker.take() == ()


def test_the_bytes_of_a_foreign_string_are_kept(engine: QueueEngine, worker: Worker, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job("bad"))
    a_string(client)

    worker.take()

    assert engine.get_job(QUEUE, "bad").job.data == b"\xff not a job"


def test_anything_else_is_kept_as_what_restores_it(engine: QueueEngine, worker: Worker, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job("bad"))
    a_list(client)

    worker.take()

    client.restore("elsewhere", 0, engine.get_job(QUEUE, "bad").job.data)
    assert client.lrange("elsewhere", 0, -1) == [b"x"]


@pytest.mark.parametrize("damage", [missing, a_string, without_state])
def test_damage_while_delayed_is_found_when_the_job_is_due(
    engine: QueueEngine, worker: Worker, client: redis.Redis, clock: Clock, damage: object
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("bad", delay_ms=60_000), a_job("fine", delay_ms=60_000)])
    assert callable(damage)
    damage(client)
    clock.make_due("bad")
    clock.make_due("fine")

    assert ids_of(worker.take()) == ["fine"]
    assert is_quarantined(engine)


@pytest.mark.parametrize("damage", [missing, a_string, without_state])
def test_damage_while_running_is_found_when_the_lease_ends(
    engine: QueueEngine, worker: Worker, client: redis.Redis, clock: Clock, damage: object
) -> None:
    engine.enqueue_job(QUEUE, a_job("bad"))
    worker.take()
    assert callable(damage)
    damage(client)
    clock.expire_lease("bad")

    assert engine.reap_leases(QUEUE) == 1
    assert is_quarantined(engine)


def test_a_job_listed_twice_is_left_to_the_state_it_is_in(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    client.zadd(f"jobs:{{{QUEUE}}}:waiting", {"job-1": 0})

    assert worker.take() == ()

    assert worker.report(lease, Completed()) == "settled"
    assert_balanced(engine)


@pytest.mark.parametrize("outcome", [Completed(), a_failure(), Deferred("away", 0), Released(), Interrupted()], ids=str)
@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "not cancelled"])
def test_damage_while_running_does_not_stop_the_report(
    engine: QueueEngine, worker: Worker, client: redis.Redis, outcome: Outcome, *, cancelled: bool
) -> None:
    engine.enqueue_job(QUEUE, a_job("bad"))
    lease = worker.take_one()
    client.hset(KEY, mapping=dict.fromkeys(("at", "df", "c", "p", "ll"), "nonsense"))
    if cancelled:
        client.hset(KEY, "cx", "nonsense")

    assert worker.report(lease, outcome) is Verdict.SETTLED

    assert engine.get_job(QUEUE, "bad").job.state is not JobState.ACTIVE


def test_a_quarantined_id_can_be_removed_or_replaced(engine: QueueEngine, worker: Worker, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job("bad"))
    missing(client)
    worker.take()

    engine.enqueue_job(QUEUE, a_job("bad", if_exists=IfExists.REPLACE))

    assert ids_of(worker.take()) == ["bad"]
    assert not engine.get_job(QUEUE, "bad").job.malformed


def test_lists_and_filters_step_over_what_they_cannot_read(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("bad"), a_job("fine")])
    a_list(client)

    page = engine.list_jobs(QUEUE, JobState.WAITING, offset=0, limit=10)

    assert [job.job_id for job in page.jobs] == ["fine"]
    assert engine.oldest_runnable_ms(QUEUE) is not None
    assert ids_of(worker.take()) == ["fine"]


def test_settings_that_cannot_be_read_are_the_defaults(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_job(QUEUE, a_job("bad", attempts=9))
    client.hset(KEY, "c", b"\xff nonsense")

    assert worker.take_one().max_attempts == 3
    assert engine.cancel_job(QUEUE, "bad", action=an_action()) == "requested"

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from engine.builders import QUEUE
from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job_type import JobType, Settling
from queue_engine.engine import QueueEngine

CREATED = JobType(
    "ticket.created",
    QUEUE,
    2,
    {"type": "object", "required": ["ticketId"], "properties": {"ticketId": {"type": "string"}}},
    id_template="ticket-created-{ticketId}",
    settling=Settling.IMMEDIATE,
    backoff=Backoff(BackoffKind.FIXED, 100, 200, 0.1),
)


def test_a_job_type_comes_back_as_it_was_declared_and_sets_up_its_queue(engine: QueueEngine) -> None:
    assert engine.register_job_types([CREATED]) == [CREATED]

    assert engine.list_job_types() == [CREATED]
    assert engine.count_jobs(QUEUE).waiting == 0


def test_the_highest_version_stays(engine: QueueEngine) -> None:
    older, newer = replace(CREATED, version=1, schema={}), replace(CREATED, version=3, schema={"type": "array"})
    engine.register_job_types([CREATED])

    assert engine.register_job_types([older]) == [CREATED]
    assert engine.register_job_types([newer]) == [newer]
    assert engine.list_job_types() == [newer]


@pytest.mark.parametrize("change", [{"schema": {"type": "array"}}, {"queue": "other"}], ids=["schema", "queue"])
def test_another_meaning_under_the_same_version_is_refused_and_nothing_changed(
    engine: QueueEngine, change: dict[str, object]
) -> None:
    engine.register_job_types([CREATED])
    other = replace(CREATED, name="ticket.quoted")

    with pytest.raises(InvalidArgument, match=r"ticket\.created"):
        engine.register_job_types([other, replace(CREATED, **change)])  # type: ignore[arg-type]

    assert engine.list_job_types() == [CREATED]


def test_defaults_of_the_same_version_may_change(engine: QueueEngine) -> None:
    engine.register_job_types([CREATED])

    engine.register_job_types([replace(CREATED, timeout_ms=5)])

    assert engine.list_job_types()[0].timeout_ms == 5


def test_workers_are_listed_until_their_time_is_over(engine: QueueEngine, client: redis.Redis) -> None:
    engine.register_worker("w1", b'{"queues":["tickets"]}', ttl_ms=60_000)
    engine.register_worker("w2", b"{}", ttl_ms=60_000)
    client.zadd("jobs:{@registry}:workers:expiry", {"w1": 1})

    assert [(worker_id, info) for worker_id, info, _ in engine.list_workers()] == [("w2", b"{}")]
    engine.register_worker("w1", b"{}", ttl_ms=60_000)
    (_, _, seen_1), (_, _, seen_2) = engine.list_workers()
    assert seen_1 >= seen_2


def test_a_worker_that_is_gone_is_forgotten(engine: QueueEngine, client: redis.Redis) -> None:
    engine.register_worker("w1", b"{}", ttl_ms=60_000)
    client.zadd("jobs:{@registry}:workers:expiry", {"w1": 1})

    engine.register_worker("w2", b"{}", ttl_ms=60_000)

    assert client.hkeys("jobs:{@registry}:workers") == [b"w2"]

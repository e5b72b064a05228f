"""A batch goes to the store in parts, the next sent while it works on the one before; what may go wrong in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from engine.builders import QUEUE, Worker, a_job, ids_of
from queue_engine.domain.errors import InvalidArgument, StoreFull, StoreUnavailable
from queue_engine.domain.job import Enqueued, IfExists
from queue_engine.engine import QueueEngine
from queue_engine.enqueuing import FIRST_PART
from queue_engine.store.encode import action_args, checked_job, job_args
from queue_engine.store.redis_store import Part, RedisStore, Reply
from support.proxy import Proxy

IDS = [f"job-{number}" for number in range(100)]
JOBS = [a_job(job_id) for job_id in IDS]


@pytest.fixture
def calls() -> Counter[str]:
    """How often each function was called."""
    return Counter()


@pytest.fixture
def store(valkey_url: str, engine: QueueEngine, calls: Counter[str]) -> Iterator[RedisStore]:
    """A store that knows the queue; the engine looks at the end whether everything there agrees."""
    found = RedisStore(valkey_url, timeout_seconds=2, observe=lambda function, _: calls.update([function]))
    found.set_up_queue(QUEUE)
    yield found
    found.close()


def a_part(*job_ids: str, first: Callable[[], Any] = lambda: None, **fields: Any) -> Part:
    """A call that enqueues; `first` happens when it is made for the first time."""
    jobs, happens = [checked_job(a_job(job_id, **fields)) for job_id in job_ids], [first]

    def make() -> list[Any]:
        if happens:
            happens.pop()()
        return [*action_args(None), *(arg for job in jobs for arg in job_args(job))]

    return make


def enqueue(store: RedisStore, *parts: Part) -> list[Reply]:
    return store.call_in_parts("accept_jobs", QUEUE, parts)


def words(*found: bytes) -> Reply:
    """The reply that says this of the jobs of a part, which all wait."""
    told = [(number, word, b"waiting") for number, word in enumerate(found, 1) if word != b"CREATED"]
    return [b"OK", *(value for each in told for value in each)]


def test_jobs_and_answers_keep_their_order_over_parts(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job("job-60"))

    answers = engine.enqueue_jobs(QUEUE, JOBS)

    assert [answer.job_id for answer in answers if isinstance(answer, Enqueued) and answer.created] == [
        job_id for job_id in IDS if job_id != "job-60"
    ]
    assert ids_of(worker.take(101)) == ["job-60", *(job_id for job_id in IDS if job_id != "job-60")]


def test_a_queue_that_nobody_knows_is_set_up_and_gets_all_parts(engine: QueueEngine, worker: Worker) -> None:
    answers = engine.enqueue_jobs(QUEUE, JOBS)

    assert all(isinstance(answer, Enqueued) and answer.created for answer in answers)
    assert ids_of(worker.take(100)) == IDS


def test_each_call_is_observed_and_a_small_batch_is_one(store: RedisStore, calls: Counter[str]) -> None:
    engine = QueueEngine(store)

    engine.enqueue_jobs(QUEUE, JOBS[: 2 * FIRST_PART - 1])
    assert calls["accept_jobs"] == 1
    engine.enqueue_jobs(QUEUE, JOBS)
    assert calls["accept_jobs"] == 3


def test_nothing_is_sent_when_the_last_job_is_refused(engine: QueueEngine) -> None:
    with pytest.raises(InvalidArgument, match="nested deeper"):
        engine.enqueue_jobs(QUEUE, [*JOBS, a_job("deep", data=b"[" * 300 + b"]" * 300)])

    assert engine.list_queues() == []


def test_a_connection_that_breaks_between_parts_loses_and_doubles_nothing(
    store: RedisStore, engine: QueueEngine, client: redis.Redis
) -> None:
    def cut() -> None:
        assert client.client_kill_filter(_type="normal", skipme=True)

    replies = enqueue(store, a_part("a", "b"), a_part("c", first=cut), a_part("d"))

    assert replies[0] in (words(b"KNOWN", b"KNOWN"), words(b"CREATED", b"CREATED"))
    assert replies[1:] == [words(b"CREATED"), words(b"CREATED")]
    assert engine.count_jobs(QUEUE).totals["added"] == 4
    assert ids_of(Worker(engine).take()) == ["a", "b", "c", "d"]


def test_a_library_that_is_lost_between_parts_is_loaded_again(store: RedisStore, client: redis.Redis) -> None:
    enqueue(store, a_part("a"))

    replies = enqueue(store, a_part("b"), a_part("c", first=lambda: client.function_flush("SYNC")), a_part("d"))

    assert replies[1:] == [words(b"CREATED"), words(b"CREATED")]


def test_a_store_that_fills_up_between_parts_refuses_and_the_next_call_gets_its_own_reply(
    store: RedisStore, engine: QueueEngine, client: redis.Redis
) -> None:
    def fill() -> None:
        client.config_set("maxmemory", 1)

    with pytest.raises(StoreFull):
        enqueue(store, a_part("a"), a_part("b", first=fill), a_part("c"))
    client.config_set("maxmemory", 0)

    assert store.call("count_jobs", QUEUE)[0] == b"OK"
    enqueue(store, a_part("a"), a_part("b"), a_part("c"))
    assert engine.count_jobs(QUEUE).totals["added"] == 3


def test_a_part_that_cannot_be_made_leaves_no_reply_to_others(store: RedisStore) -> None:
    def fail() -> None:
        raise OverflowError

    with pytest.raises(OverflowError):
        enqueue(store, a_part("a"), a_part("b", first=fail))

    assert store.call("get_job", QUEUE, "nobody")[0] == b"NOT_FOUND"


def test_a_replacement_that_is_sent_again_because_of_another_part_is_done_once(
    store: RedisStore, engine: QueueEngine, client: redis.Redis
) -> None:
    enqueue(store, a_part("a"))

    replaces = a_part("a", if_exists=IfExists.REPLACE)
    replies = enqueue(store, replaces, a_part("b", first=lambda: client.function_flush("SYNC")))

    assert replies[0] == words(b"REPLACED")
    assert engine.count_jobs(QUEUE).totals["replaced"] == 1


def test_a_batch_whose_replies_were_lost_can_be_enqueued_again(engine: QueueEngine, valkey_url: str) -> None:
    proxy = Proxy(valkey_url)
    remote = QueueEngine.connect(proxy.url, timeout_seconds=1)
    remote.enqueue_job(QUEUE, JOBS[0])

    proxy.lose_replies()
    with pytest.raises(StoreUnavailable):
        remote.enqueue_jobs(QUEUE, JOBS)
    proxy.lose_replies(losing=False)
    answers = remote.enqueue_jobs(QUEUE, JOBS)

    assert [answer.job_id for answer in answers if isinstance(answer, Enqueued)] == IDS
    assert engine.count_jobs(QUEUE).totals["added"] == 100
    remote.close()
    proxy.close()

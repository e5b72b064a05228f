from __future__ import annotations

import pytest
import redis

from engine.builders import QUEUE, Worker, a_job, ids_of, keys_of
from queue_engine.domain.errors import LibraryMismatch
from queue_engine.engine import QueueEngine
from queue_engine.store.keys import REGISTRY_META, meta_key
from queue_engine.store.library import library_source, library_version


def load(client: redis.Redis, version: str) -> None:
    """Our library as another release of the same major version would have loaded it."""
    client.function_load(library_source().replace(library_version(), version), replace=True)


@pytest.mark.parametrize("older", ["0.9+abc", "1.0+another"], ids=["an older release", "another build of this one"])
def test_an_older_library_is_replaced(engine: QueueEngine, client: redis.Redis, older: str) -> None:
    load(client, older)

    assert engine.check_store().library_version == library_version()


def test_a_newer_library_of_our_major_version_stays(engine: QueueEngine, client: redis.Redis) -> None:
    load(client, "1.99+abc")

    assert engine.check_store().library_version == "1.99+abc"
    assert engine.enqueue_job(QUEUE, a_job()).created


def test_two_major_versions_work_beside_each_other(engine: QueueEngine, client: redis.Redis, worker: Worker) -> None:
    other = library_source().replace("jobqueue_v1", "jobqueue_v2").replace("'jq1_", "'jq2_")
    client.function_load(other)

    engine.enqueue_job(QUEUE, a_job())

    assert client.fcall("jq2_count_jobs", 1, meta_key(QUEUE))[:2] == [b"OK", 1]
    assert ids_of(worker.take()) == ["job-1"]


def test_a_service_that_is_too_old_is_refused_in_one_line(engine: QueueEngine, client: redis.Redis) -> None:
    engine.check_store()
    client.hset(REGISTRY_META, "oldest", "2")

    with pytest.raises(LibraryMismatch, match="speaks version 1 of the queue's functions, the store needs 2"):
        engine.check_store()


def test_a_queue_with_another_data_layout_is_refused_in_one_line(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job())
    client.hset(meta_key(QUEUE), "layout", "2")

    for call in (engine.count_jobs, engine.reap_leases):
        with pytest.raises(LibraryMismatch, match="data layout 2"):
            call(QUEUE)
    client.hset(meta_key(QUEUE), "layout", "1")


def test_a_queue_whose_set_up_was_cut_short_is_completed_by_the_next_call(
    engine: QueueEngine, client: redis.Redis
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    client.delete(meta_key(QUEUE), *keys_of(client, f"jobs:{{{QUEUE}}}:*"))
    client.hset("jobs:{@registry}:queues", QUEUE, "1")

    assert engine.count_jobs(QUEUE).waiting == 0
    assert client.hget(meta_key(QUEUE), "layout") == b"1"


def test_no_function_touches_a_key_outside_its_slot(engine: QueueEngine, client: redis.Redis, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b", delay_ms=60_000)])
    worker.take()
    engine.register_worker("w", b"{}", ttl_ms=1_000)

    assert {key.split("}")[0] for key in keys_of(client, "*")} == {"jobs:{tickets", "jobs:{@registry"}

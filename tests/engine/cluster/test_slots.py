from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.builders import Worker, a_job, assert_balanced, assert_consistent, ids_of, keys_of
from fixtures.valkey_cluster import ValkeyCluster
from queue_engine.domain.errors import StoreEpochChanged, StoreFull, StoreMisconfigured, StoreUnavailable
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Completed, Verdict
from queue_engine.engine import QueueEngine
from queue_engine.store.library import LIBRARY_NAME


@pytest.fixture
def engine(valkey_url: str, client: Any) -> Iterator[QueueEngine]:
    """An engine on the empty cluster."""
    queue_engine = QueueEngine.connect(valkey_url)
    yield queue_engine
    for queue in queue_engine.list_queues():
        assert_balanced(queue_engine, queue)
        assert_consistent(client, queue)
    queue_engine.close()


def test_queues_live_on_all_primaries_and_each_in_one_slot(engine: QueueEngine, shared_cluster: ValkeyCluster) -> None:
    queues = [shared_cluster.queue_on(node) for node in shared_cluster.primaries()]
    for queue in queues:
        engine.enqueue_jobs(queue, [a_job("a"), a_job("b", delay_ms=60_000)])
        assert Worker(engine, queue=queue).run(Completed()).job_id == "a"

    for queue in queues:
        with shared_cluster.owner(queue).client() as node:
            assert {key.split("}")[0] for key in keys_of(node, "*")} - {"jobs:{@registry"} == {f"jobs:{{{queue}"}
    assert engine.list_queues() == sorted(queues)


def test_many_threads_may_begin_with_a_new_engine(valkey_url: str) -> None:
    newcomer = QueueEngine.connect(valkey_url)

    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda number: newcomer.enqueue_job("tickets", a_job(f"job-{number}")), range(8)))

    assert all(job.created for job in jobs)
    newcomer.close()


def test_each_node_has_the_functions_replicas_too(engine: QueueEngine, shared_cluster: ValkeyCluster) -> None:
    engine.check_store()

    for node in shared_cluster.nodes:
        with node.client() as client:
            assert LIBRARY_NAME in str(client.function_list())


def test_functions_that_one_node_lost_are_loaded_by_the_next_call(
    engine: QueueEngine, shared_cluster: ValkeyCluster
) -> None:
    engine.enqueue_job("tickets", a_job())
    with shared_cluster.owner("tickets").client() as node:
        node.function_flush("SYNC")

    assert engine.count_jobs("tickets").waiting == 1


def test_a_node_that_came_back_empty_is_noticed_by_the_next_call_and_refused_by_all(
    engine: QueueEngine, shared_cluster: ValkeyCluster, valkey_url: str
) -> None:
    registry = shared_cluster.owner("@registry")
    emptied, kept = (node for node in shared_cluster.primaries() if node != registry)
    gone, there = shared_cluster.queue_on(emptied), shared_cluster.queue_on(kept)
    for queue in (gone, there):
        engine.enqueue_job(queue, a_job())
    emptied.ask("FLUSHALL", "SYNC")
    newcomer = QueueEngine.connect(valkey_url)

    for refused in (engine, newcomer):
        with pytest.raises(StoreEpochChanged, match="accept the loss"):
            refused.enqueue_job(gone, a_job("late"))
    with pytest.raises(StoreEpochChanged):
        newcomer.count_jobs(there)
    assert engine.accept_loss("ops")

    assert engine.enqueue_job(gone, a_job("late")).created
    assert (newcomer.count_jobs(gone).waiting, newcomer.count_jobs(there).waiting) == (1, 1)
    newcomer.close()


def test_when_the_registrys_node_came_back_empty_the_queues_of_the_others_are_found_again(
    engine: QueueEngine, shared_cluster: ValkeyCluster
) -> None:
    registry = shared_cluster.owner("@registry")
    kept = shared_cluster.queue_on(next(node for node in shared_cluster.primaries() if node != registry))
    engine.enqueue_job(kept, a_job())
    registry.ask("FLUSHALL", "SYNC")

    with pytest.raises(StoreEpochChanged):
        engine.check_store()
    assert engine.accept_loss("ops")

    assert engine.list_queues() == [kept]
    assert engine.count_jobs(kept).waiting == 1


def test_calls_follow_a_slot_to_its_new_node(engine: QueueEngine, shared_cluster: ValkeyCluster) -> None:
    engine.enqueue_jobs("tickets", [a_job("a"), a_job("b")])
    worker = Worker(engine)
    lease = worker.take_one()
    source = shared_cluster.owner("tickets")
    target = next(node for node in shared_cluster.primaries() if node != source)

    shared_cluster.move_queue("tickets", target)
    try:
        assert worker.complete(lease) is Verdict.SETTLED
        assert engine.wait_for_work("tickets", timeout_seconds=1)
        assert ids_of(worker.take()) == ["b"]
        assert engine.enqueue_job("tickets", a_job("c")).created
    finally:
        shared_cluster.move_queue("tickets", source)


def test_while_a_slot_moves_key_by_key_its_queue_waits_and_nothing_is_half_done(
    engine: QueueEngine, shared_cluster: ValkeyCluster
) -> None:
    engine.enqueue_jobs("tickets", [a_job(f"job-{number}") for number in range(30)])
    worker = Worker(engine)
    lease = worker.take_one()
    source = shared_cluster.owner("tickets")
    target = next(node for node in shared_cluster.primaries() if node != source)

    shared_cluster.begin_moving("tickets", target)
    try:
        for _ in range(50):
            for refused in (
                lambda: worker.complete(lease),
                lambda: worker.take(5),
                lambda: engine.enqueue_job("tickets", a_job("late")),
            ):
                with pytest.raises(StoreUnavailable):
                    refused()
            if not shared_cluster.move_keys("tickets", target, limit=3):
                break
        shared_cluster.end_moving("tickets", target)

        assert worker.complete(lease) is Verdict.SETTLED
        assert engine.count_jobs("tickets").waiting == 29
        assert engine.enqueue_job("tickets", a_job("late")).state is JobState.WAITING
    finally:
        shared_cluster.move_queue("tickets", source)


def test_a_queue_of_another_node_goes_on_while_a_slot_is_stuck(
    engine: QueueEngine, shared_cluster: ValkeyCluster
) -> None:
    source = shared_cluster.owner("tickets")
    target = next(node for node in shared_cluster.primaries() if node != source)
    other = shared_cluster.queue_on(target)
    engine.enqueue_job("tickets", a_job())
    shared_cluster.begin_moving("tickets", target)

    assert engine.enqueue_job(other, a_job()).created

    shared_cluster.move_keys("tickets", target, limit=100)
    shared_cluster.end_moving("tickets", target)
    shared_cluster.move_queue("tickets", source)


def test_a_full_node_refuses_the_jobs_of_its_own_queues_only(
    engine: QueueEngine, shared_cluster: ValkeyCluster
) -> None:
    full, roomy = shared_cluster.primaries()[:2]
    engine.enqueue_job(shared_cluster.queue_on(full), a_job())
    full.ask("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(StoreFull):
            engine.enqueue_job(shared_cluster.queue_on(full), a_job("late"))
        assert engine.enqueue_job(shared_cluster.queue_on(roomy), a_job()).created
        assert engine.check_store().max_memory_bytes == 1
    finally:
        full.ask("CONFIG", "SET", "maxmemory", 0)


def test_a_url_for_one_server_that_names_a_node_is_refused_with_a_hint(
    engine: QueueEngine, shared_cluster: ValkeyCluster
) -> None:
    wrong = QueueEngine.connect(shared_cluster.nodes[0].url)
    queue = shared_cluster.queue_on(shared_cluster.nodes[1])
    engine.enqueue_job(queue, a_job())

    with pytest.raises((StoreMisconfigured, StoreUnavailable), match="cluster"):
        wrong.count_jobs(queue)
    wrong.close()


def test_a_url_for_a_cluster_that_names_one_server_is_refused_with_a_hint(shared_valkey: Any) -> None:
    wrong = QueueEngine.connect(shared_valkey.url.replace("redis://", "redis+cluster://"))

    with pytest.raises(StoreMisconfigured, match="no cluster"):
        wrong.check_store()
    wrong.close()

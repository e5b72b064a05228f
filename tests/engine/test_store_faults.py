from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from engine.builders import QUEUE, Worker, a_failure, a_job, an_action, assert_balanced, ids_of, keys_of, state_of
from fixtures.valkey import ValkeyServer
from queue_engine.domain.errors import StoreEpochChanged, StoreMisconfigured, StoreUnavailable
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Completed, Verdict
from queue_engine.engine import QueueEngine
from queue_engine.store.library import LIBRARY_NAME
from support.proxy import Proxy


@pytest.fixture
def own_engine(valkey_server: ValkeyServer) -> Iterator[QueueEngine]:
    """An engine on a server of its own."""
    engine = QueueEngine.connect(valkey_server.url, timeout_seconds=1)
    yield engine
    engine.close()


def test_a_crash_of_the_store_loses_nothing_that_was_answered(
    valkey_server: ValkeyServer, own_engine: QueueEngine
) -> None:
    worker = Worker(own_engine)
    accepted = own_engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(200)])
    worker.run(Completed())
    worker.run(a_failure(retry_delay_ms=None))
    held = worker.take_one()
    own_engine.cancel_job(QUEUE, "job-150", action=an_action("", "e1"))

    valkey_server.kill()
    with pytest.raises(StoreUnavailable):
        own_engine.count_jobs(QUEUE)
    valkey_server.start()

    counts = own_engine.count_jobs(QUEUE)
    assert len(accepted) == counts.totals["added"] == 200
    assert (counts.waiting, counts.active, counts.completed, counts.failed) == (196, 1, 1, 2)
    assert [record.event_id for record in own_engine.claim_audit(QUEUE, shipper="s", lease_ms=1_000)] == ["e1"]
    assert worker.complete(held) is Verdict.SETTLED
    assert_balanced(own_engine)


def test_the_function_library_survives_a_crash(valkey_server: ValkeyServer, own_engine: QueueEngine) -> None:
    own_engine.enqueue_job(QUEUE, a_job())
    valkey_server.kill()
    valkey_server.start()

    with redis.Redis.from_url(valkey_server.url, protocol=2) as client:
        assert LIBRARY_NAME.encode() in client.function_list()[0]


def test_an_engine_can_be_made_while_the_store_is_down(valkey_server: ValkeyServer) -> None:
    valkey_server.stop()
    engine = QueueEngine.connect(valkey_server.url, timeout_seconds=1)
    with pytest.raises(StoreUnavailable):
        engine.enqueue_job(QUEUE, a_job())
    with pytest.raises(StoreUnavailable):
        engine.wait_for_work(QUEUE, timeout_seconds=0.1)

    valkey_server.start()

    assert engine.enqueue_job(QUEUE, a_job()).created
    engine.close()


def test_a_restart_is_not_noticed_by_the_next_call(valkey_server: ValkeyServer, own_engine: QueueEngine) -> None:
    own_engine.enqueue_job(QUEUE, a_job())
    for _ in range(3):
        valkey_server.stop()
        valkey_server.start()

        lease = Worker(own_engine).take_one()

        own_engine.reclaim_leases(QUEUE, worker="worker-1", known_tokens=[])
        assert lease.job_id == "job-1"


def test_a_library_that_was_flushed_is_loaded_again_by_the_next_call(
    engine: QueueEngine, client: redis.Redis, worker: Worker
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    client.function_flush("SYNC")

    assert ids_of(worker.take()) == ["job-1"]


def test_an_emptied_store_is_refused_by_all_until_its_loss_is_accepted(
    engine: QueueEngine, client: redis.Redis, valkey_url: str
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    newcomer = QueueEngine.connect(valkey_url)
    client.flushall()

    for refused in (engine, newcomer):
        with pytest.raises(StoreEpochChanged, match="accept the loss"):
            refused.check_store()
        with pytest.raises(StoreEpochChanged):
            refused.enqueue_job(QUEUE, a_job())
    assert newcomer.accept_loss("ops")
    assert not newcomer.accept_loss("ops")

    assert engine.enqueue_job(QUEUE, a_job()).created
    assert newcomer.list_queues() == [QUEUE]
    newcomer.close()


def test_the_next_enqueue_notices_that_the_store_was_emptied(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job())
    client.flushall()

    with pytest.raises(StoreEpochChanged):
        engine.enqueue_job(QUEUE, a_job())
    engine.accept_loss("ops")


def test_a_queue_that_was_set_up_and_is_gone_is_a_loss(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job())
    client.delete(*keys_of(client, f"jobs:{{{QUEUE}}}:*"))

    for _ in range(2):
        with pytest.raises(StoreEpochChanged, match="accept the loss"):
            engine.enqueue_job(QUEUE, a_job())
    engine.accept_loss("ops")

    assert engine.enqueue_job(QUEUE, a_job()).created


@pytest.fixture
def proxy(valkey_url: str) -> Iterator[Proxy]:
    lossy = Proxy(valkey_url)
    yield lossy
    lossy.close()


@pytest.fixture
def remote(proxy: Proxy) -> Iterator[QueueEngine]:
    """An engine whose replies can be lost on their way."""
    engine = QueueEngine.connect(proxy.url, timeout_seconds=1)
    engine.check_store()
    yield engine
    engine.close()


def test_a_take_whose_reply_was_lost_is_not_repeated_and_can_be_reclaimed(
    engine: QueueEngine, remote: QueueEngine, proxy: Proxy
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")])

    proxy.lose_replies()
    with pytest.raises(StoreUnavailable):
        Worker(remote).take(1)
    proxy.lose_replies(losing=False)

    assert engine.count_jobs(QUEUE).active == 1
    assert remote.reclaim_leases(QUEUE, worker="worker-1", known_tokens=[]) == 1
    assert state_of(engine, "a") is JobState.WAITING


def test_reports_whose_reply_was_lost_can_be_sent_again(engine: QueueEngine, remote: QueueEngine, proxy: Proxy) -> None:
    engine.enqueue_job(QUEUE, a_job())
    worker = Worker(remote)
    lease = worker.take_one()

    proxy.lose_replies()
    with pytest.raises(StoreUnavailable):
        worker.settle([(lease, Completed())], want=5)
    proxy.lose_replies(losing=False)

    assert worker.complete(lease) is Verdict.STALE
    assert engine.count_jobs(QUEUE).totals["completed"] == 1


def test_an_enqueue_whose_reply_was_lost_makes_one_job(engine: QueueEngine, remote: QueueEngine, proxy: Proxy) -> None:
    proxy.lose_replies()
    with pytest.raises(StoreUnavailable):
        remote.enqueue_job(QUEUE, a_job())
    proxy.lose_replies(losing=False)

    assert remote.enqueue_job(QUEUE, a_job()).state is JobState.WAITING
    assert engine.count_jobs(QUEUE).totals["added"] == 1


def test_a_store_that_evicts_is_refused(engine: QueueEngine, client: redis.Redis, valkey_url: str) -> None:
    client.config_set("maxmemory-policy", "allkeys-lru")
    other = QueueEngine.connect(valkey_url)
    try:
        with pytest.raises(StoreMisconfigured, match="allkeys-lru"):
            engine.check_store()
        with pytest.raises(StoreMisconfigured):
            other.enqueue_job(QUEUE, a_job())
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        other.close()


def test_a_store_that_became_a_replica_is_unavailable(valkey_server: ValkeyServer, own_engine: QueueEngine) -> None:
    own_engine.enqueue_job(QUEUE, a_job())
    with redis.Redis.from_url(valkey_server.url) as client:
        client.replicaof("127.0.0.1", "1")

        with pytest.raises(StoreUnavailable):
            own_engine.enqueue_job(QUEUE, a_job("other"))
        client.replicaof("NO", "ONE")

    assert own_engine.enqueue_job(QUEUE, a_job("other")).created


def test_a_probe_tells_what_it_found(engine: QueueEngine, pytestconfig: pytest.Config) -> None:
    health = engine.check_store()

    server, _, version = pytestconfig.getoption("--store").partition("-")
    assert (health.server, health.persistence_ok, health.max_memory_bytes) == (server, True, 0)
    assert health.version.startswith(version)
    assert health.library_version.startswith("1.")
    assert health.used_memory_bytes > 0
    assert 0 < health.latency_ms < 1_000

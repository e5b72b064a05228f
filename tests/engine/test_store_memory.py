from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from engine.builders import LEASE_MS, QUEUE, Worker, a_failure, a_job, an_action
from queue_engine.domain.errors import StoreFull
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Completed, Renewal, Verdict
from queue_engine.engine import QueueEngine
from support.waiting import wait_until


@pytest.fixture
def full(engine: QueueEngine, client: redis.Redis) -> Iterator[QueueEngine]:
    """A store at its memory limit that holds jobs in every state."""
    engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(8)])
    worker = Worker(engine)
    worker.run(Completed())
    worker.run(a_failure(retry_delay_ms=None))
    client.config_set("maxmemory", 1)
    yield engine
    client.config_set("maxmemory", 0)


def test_an_enqueue_is_refused_and_leaves_nothing(full: QueueEngine) -> None:
    with pytest.raises(StoreFull):
        full.enqueue_job(QUEUE, a_job("one-too-many"))

    assert full.count_jobs(QUEUE).totals["added"] == 8


def test_the_system_goes_on_and_drains_itself(full: QueueEngine, worker: Worker) -> None:
    first, second, third = worker.take(3)

    assert full.renew_leases([first], worker=worker.name, lease_ms=LEASE_MS) == [Renewal.RENEWED]
    settled = worker.settle([(first, Completed(b"1")), (second, a_failure())])
    assert settled.verdicts == (Verdict.SETTLED, Verdict.SETTLED)
    full.renew_leases([third], worker=worker.name, lease_ms=1)
    wait_until(lambda: full.reap_leases(QUEUE) == 1)
    assert full.prune_jobs(QUEUE) == 2  # completed jobs give way before their time
    while leases := worker.take():
        worker.settle([(lease, Completed()) for lease in leases])
    assert full.count_jobs(QUEUE).completed == 5
    assert full.count_jobs(QUEUE).dead == 1


def test_people_can_still_act(full: QueueEngine) -> None:
    full.retry_job(QUEUE, "job-1", action=an_action())
    assert full.cancel_job(QUEUE, "job-2", action=an_action()) == "cancelled"
    full.remove_job(QUEUE, "job-2", action=an_action())
    assert full.pause_queue(QUEUE, action=an_action())

    (retry, *_) = full.claim_audit(QUEUE, shipper="s", lease_ms=1_000)
    assert full.settle_audit(QUEUE, [retry.entry_id], shipper="s") == 1


def test_everything_can_still_be_read(full: QueueEngine) -> None:
    assert full.list_queues() == [QUEUE]
    assert full.list_jobs(QUEUE, JobState.WAITING, offset=0, limit=10).total == 6
    assert full.get_job(QUEUE, "job-0").job.state is JobState.COMPLETED
    assert full.check_store().max_memory_bytes == 1

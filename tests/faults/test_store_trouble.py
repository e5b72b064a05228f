"""F8, F9, F10: the store is full, would evict, or is busy with somebody's slow script."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import redis

from faults.support.arena import LEASE_SECONDS, Arena, FaultWorker
from faults.support.job_types.ledgered import QUEUE
from faults.support.load import Backend
from queue_engine.domain.audit import Action
from queue_engine.domain.bulk import JobFilter
from queue_engine.domain.errors import StoreMisconfigured, StoreUnavailable
from queue_engine.domain.job import JobState, NewJob
from support.waiting import wait_until

BUSY_SECONDS = 2.0
BUSY = "local from = redis.call('TIME')[1] while redis.call('TIME')[1] - from < tonumber(ARGV[1]) do end"
SLOWEST_CALL_MS = 50.0  # ten times what a bulk step takes on a machine of its own


@pytest.fixture
def client(arena: Arena) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(arena.url, protocol=2) as connection:
        yield connection


def new_job(number: int) -> NewJob:
    return NewJob(job_id=f"bulk-{number}", name="work", data=b"{}")


@contextmanager
def kept_tidy(arena: Arena) -> Iterator[None]:
    """What queue-admin's pruner does."""
    ended = threading.Event()

    def tidy() -> None:
        while not ended.wait(0.1):
            with suppress(StoreUnavailable):
                arena.engine.prune_jobs(QUEUE)

    pruner = threading.Thread(target=tidy, daemon=True)
    pruner.start()
    try:
        yield
    finally:
        ended.set()
        pruner.join()


def test_a_full_store_refuses_enqueues_takes_every_outcome_and_drains_itself(arena: Arena, client: redis.Redis) -> None:
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 6_000_000)
    backend = Backend(arena.ledger, arena.submit(pad="x" * 20_000), prefix="load", pause=0, most=900)
    with kept_tidy(arena):
        backend.start()
        wait_until(lambda: sum(arena.history().refused.values()) > 3, within=30)
        full = len(backend.accepted)
        arena.fault("full")
        worker = arena.worker()
        began = time.monotonic()
        wait_until(lambda: len(backend.accepted) > full + 100, within=120)
        recovery = time.monotonic() - began
        wait_until(lambda: len(backend.accepted) == 900, within=90)
        backend.stop()
        arena.come_to_rest()

    _, store = arena.verdict(
        "F8",
        "store full (maxmemory), more data handed over than fits",
        recovery=[recovery],
        within=120,
        note="enqueues refused meanwhile, outcomes refused: 0, drained without a hand",
    )
    assert store.totals["completed"] == 900
    assert store.totals.get("lost", 0) == 0
    assert "store_away" not in worker.log


@pytest.mark.long_fault
def test_a_store_that_begins_to_evict_is_noticed_by_all_and_used_again_when_it_is_put_right(
    arena: Arena, client: redis.Redis
) -> None:
    worker = arena.worker()
    arena.enqueue("before")
    arena.come_to_rest()
    client.config_set("maxmemory-policy", "allkeys-lru")
    began = arena.fault("maxmemory-policy allkeys-lru")

    def refused() -> bool:
        with suppress(StoreMisconfigured):
            arena.engine.count_jobs(QUEUE)
            return False
        return True

    wait_until(refused, within=60)
    wait_until(lambda: "allkeys-lru" in worker.log, within=60)
    noticed = time.monotonic() - began
    assert worker.process.alive
    client.config_set("maxmemory-policy", "noeviction")
    arena.enqueue(*(f"after-{number}" for number in range(20)), seconds=0.05)
    arena.come_to_rest()

    arena.verdict(
        "F9", "eviction policy changed under the running system", recovery=[noticed], within=60, note="time to notice"
    )


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_worker_refuses_to_start_on_a_store_that_evicts_and_says_what_to_set(
    arena: Arena, client: redis.Redis, policy: str
) -> None:
    client.config_set("maxmemory-policy", policy)

    worker = FaultWorker(arena.folder, arena.url, authority=arena.authority)
    worker.process.start()

    assert worker.process.wait(30) == 2
    assert worker.log.startswith(
        f"start-up: the store's maxmemory-policy is {policy}, which throws jobs away; set it to"
    )


@pytest.mark.parametrize("writes", [False, pytest.param(True, marks=pytest.mark.long_fault)])
def test_a_busy_store_delays_everything_and_doubles_nothing(arena: Arena, client: redis.Redis, *, writes: bool) -> None:
    client.config_set("busy-reply-threshold", 300)
    arena.worker()
    arena.worker()
    backend = Backend(arena.ledger, arena.submit(seconds=0.01), prefix="load", pause=0.01)
    backend.start()
    recovery: list[float] = []
    for _ in range(2):
        before = len(backend.accepted)
        wait_until(lambda n=before: len(backend.accepted) > n + 20, within=30)  # type: ignore[misc]
        arena.fault("slow script")
        script = ("redis.call('SET', 'scratch', 1) " if writes else "") + BUSY
        with redis.Redis.from_url(arena.url, socket_timeout=30) as other:
            other.eval(script, 0, str(BUSY_SECONDS))
        free = time.monotonic()
        wait_until(lambda at=free: backend.accepted_at[-1] > at, within=30)  # type: ignore[misc]
        recovery.append(next(at for at in backend.accepted_at if at > free) - free)
    backend.stop()
    arena.come_to_rest()

    arena.verdict(
        f"F10 ({'writing' if writes else 'reading'})",
        f"somebody's script keeps the store busy for {BUSY_SECONDS:.0f} s, twice under load",
        recovery=recovery,
        within=LEASE_SECONDS * 10,
    )


@pytest.mark.long_fault
def test_no_bulk_action_keeps_the_store_from_others(arena: Arena, client: redis.Redis) -> None:
    for first in range(0, 5_000, 1_000):
        arena.engine.enqueue_jobs(QUEUE, [new_job(number) for number in range(first, first + 1_000)])
    client.config_set("slowlog-log-slower-than", 1_000)
    client.slowlog_reset()
    action = Action("bulk", "ops", reason="all of them")
    while arena.engine.remove_jobs(QUEUE, JobFilter(state=JobState.WAITING), action=action).done:
        pass

    ours = [call for call in client.slowlog_get(128) if b"jq" in call["command"]]
    # The longest ones are those in which the machine did something else.
    assert statistics.median([call["duration"] / 1_000 for call in ours] or [0.0]) < SLOWEST_CALL_MS
    assert arena.engine.count_jobs(QUEUE).totals["removed"] == 5_000

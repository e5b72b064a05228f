"""F26: the store comes back to ten thousand jobs that came due meanwhile, and to fifty clients that reconnect."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faults.support.arena import Arena
from faults.support.job_types.ledgered import QUEUE
from faults.support.load import Backend, through_engine
from fixtures.valkey import ValkeyServer
from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.job import JobState, NewJob
from queue_engine.engine import QueueEngine
from support.waiting import wait_until

DUE, CLIENTS, WORKERS = 10_000, 50, 4
DUE_IN_MS, AWAY_SECONDS = 12_000, 6.0
SLOWEST_TYPICAL = 1.5  # seconds, seen from a process that is the fifty clients too; a call takes about a millisecond


@contextmanager
def watched(arena: Arena) -> Iterator[list[float]]:
    """How long a small call took while the store was there, again and again."""
    seconds: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        engine = QueueEngine.connect(arena.url)
        while not ended.wait(0.02):
            began = time.monotonic()
            try:
                engine.count_jobs(QUEUE)
            except StoreUnavailable:
                continue
            seconds.append(time.monotonic() - began)
        engine.close()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seconds
    finally:
        ended.set()
        thread.join(10)


def enqueue_due(arena: Arena) -> None:
    """Ten thousand jobs that come due at about the same moment."""
    data = b'{"ledger": "%b"}' % str(arena.ledger.path).encode()
    due_at_ms = round(time.time() * 1000) + DUE_IN_MS
    for first in range(0, DUE, 1_000):
        ids = [f"due-{number:05}" for number in range(first, first + 1_000)]
        for job_id in ids:
            arena.ledger.write("enqueue", job_id, phase="invoked")
        arena.engine.enqueue_jobs(QUEUE, [NewJob(job_id, "work", data, due_at_ms=due_at_ms) for job_id in ids])
        for job_id in ids:
            arena.ledger.write("enqueue", job_id, phase="acked", created=True)


@pytest.mark.long_fault
def test_a_herd_after_an_outage_is_served_and_the_store_stays_quick(arena: Arena, valkey_server: ValkeyServer) -> None:
    engines = [QueueEngine.connect(arena.url) for _ in range(CLIENTS)]
    backends = [
        Backend(arena.ledger, through_engine(engine, arena.ledger), prefix=f"herd-{number:02}", pause=0.3, most=200)
        for number, engine in enumerate(engines)
    ]
    for _ in range(WORKERS):
        arena.worker()
    enqueue_due(arena)
    for backend in backends:
        backend.start()
    wait_until(lambda: all(len(backend.accepted) > 2 for backend in backends), within=30)
    assert arena.engine.count_jobs(QUEUE).delayed == DUE
    valkey_server.kill()
    arena.fault("outage while ten thousand jobs come due")
    time.sleep(AWAY_SECONDS)
    valkey_server.start()
    back = time.monotonic()
    with watched(arena) as seconds:
        wait_until(lambda: all(backend.accepted_at[-1] > back for backend in backends), within=60)
        returned = time.monotonic() - back
        for backend in backends:
            backend.stop()
        arena.come_to_rest(within=240)
    drained = time.monotonic() - back
    for engine in engines:
        engine.close()

    typical = sorted(seconds)[int(len(seconds) * 0.99)]
    _, store = arena.verdict(
        "F26",
        f"an outage in which {DUE:,} delayed jobs come due, then {CLIENTS} clients reconnect at once",
        recovery=[returned],
        within=60,
        note=f"all done after {drained:.0f} s ({WORKERS} workers); store p99 meanwhile {typical * 1000:.0f} ms",
    )
    assert typical < SLOWEST_TYPICAL
    assert not store.indexes["dead"]
    assert arena.engine.list_jobs(QUEUE, JobState.FAILED, offset=0, limit=1).total == 0

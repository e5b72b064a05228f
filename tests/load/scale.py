"""Whether calls stay as fast when queues grow: `make bench-scale`, into docs/performance/scale.md.

A number of jobs ends where JOBS says (1,000,000). The slope of a call is the b of time ~ jobs^b: 0 is flat, 1 grows
with the queue.
"""

from __future__ import annotations

import argparse
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from load import machine
from load.arena import a_store
from load.results import FOLDER
from load.scale_page import write
from load.scale_store import LEASE_MS, QUEUE, Figures, Store, job_id
from queue_engine.domain.audit import Action
from queue_engine.domain.job import FailureKind, JobState, Retention
from queue_engine.domain.lease import Completed, Failed, Lease
from queue_engine.engine import QueueEngine

CALLS, PAGE, TAKEN = 40, 50, 16
KEEP_ALL = Retention(completed_ms=10**9, completed_count=10**7)
DEAD = Failed("boom", "ValueError", "line 1", FailureKind.EXCEPTION)


def waiting(store: Store, sizes: list[int]) -> dict[int, dict[str, Figures]]:
    """Every call, with ever more jobs waiting."""
    store.empty()
    found: dict[int, dict[str, Figures]] = {}
    filled, extra = 0, count(10**9)
    for size in sizes:
        before = store.memory()
        store.fill(filled, size)
        grown, filled = (store.memory() - before) / (size - filled), size
        found[size] = {**_calls(store, size, extra), "memory": {"bytes": grown}}
        print(size, {name: {k: round(v, 2) for k, v in each.items()} for name, each in found[size].items()}, flush=True)
    return found


def _calls(store: Store, size: int, extra: count[int]) -> dict[str, Figures]:
    engine = store.engine
    page = partial(engine.list_jobs, QUEUE, JobState.WAITING, limit=PAGE)
    last = engine.count_jobs(QUEUE).waiting // PAGE - 1  # of a million: 19,999
    found = {
        "list page 1": store.timed([partial(page, offset=0)] * CALLS),
        "list page 10,000 or the last": store.timed([partial(page, offset=min(last, 9_999) * PAGE)] * CALLS),
        "list last page": store.timed([partial(page, offset=last * PAGE)] * CALLS),
        "counts": store.timed([partial(engine.count_jobs, QUEUE)] * CALLS),
        "enqueue": store.timed([partial(_enqueue, store, extra) for _ in range(CALLS)]),
    }
    middle = [job_id(size // 2 + offset) for offset in range(-CALLS, CALLS)]
    found["remove"] = store.timed(
        [partial(engine.remove_job, QUEUE, each, action=_action()) for each in middle[:CALLS]]
    )
    found["cancel"] = store.timed(
        [partial(engine.cancel_job, QUEUE, each, action=_action()) for each in middle[CALLS:]]
    )
    taken: list[tuple[Lease, ...]] = []
    found["take 16"] = store.timed([lambda: taken.append(store.take(TAKEN))] * CALLS)
    found["settle 16"] = store.timed([partial(store.settle, leases) for leases in taken])
    dead = store.take(CALLS)
    store.settle(dead, DEAD)
    found["retry"] = store.timed([partial(engine.retry_job, QUEUE, each.job_id, action=_action()) for each in dead])
    return found


def _action() -> Action:
    return Action(uuid.uuid4().hex, "bench", reason="measured")


def _enqueue(store: Store, extra: count[int]) -> None:
    number = next(extra)
    store.fill(number, number + 1)


def many_queues(store: Store, sizes: list[int]) -> dict[int, dict[str, Figures]]:
    """What calls on one queue and on all of them take when there are more queues, each with 10 jobs."""
    store.empty()
    found: dict[int, dict[str, Figures]] = {}
    made = 0
    for size in sizes:
        for number in range(made, size):
            store.fill(0, 10, queue=f"queue-{number}")
        made = size
        names = [f"queue-{number * size // CALLS}" for number in range(min(CALLS, size))]
        found[size] = {
            "list_queues": store.timed([store.engine.list_queues] * CALLS),
            "counts of one": store.timed([partial(store.engine.count_jobs, name) for name in names]),
            "take 1 and settle": store.timed([partial(_take_and_settle, store, name) for name in names]),
        }
        print(size, "queues", found[size], flush=True)
    return found


def _take_and_settle(store: Store, queue: str) -> None:
    store.settle(store.take(1, queue))


def many_workers(store: Store, sizes: list[int], jobs: int) -> dict[int, Figures]:
    """So many simulated workers, each with connections of its own, take and settle 16 at a time until all is done."""
    found = {}
    for size in sizes:
        store.empty()
        store.fill(0, jobs)
        engines = [QueueEngine.connect(store.url, timeout_seconds=30) for _ in range(size)]
        done: list[int] = []
        threads = [
            threading.Thread(target=_work, args=(engine, f"worker-{number}", done))
            for number, engine in enumerate(engines)
        ]
        cpu, began = store.cpu_seconds(), time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds, used = time.perf_counter() - began, store.cpu_seconds() - cpu
        found[size] = {
            "jobs": sum(done),
            "rate": jobs / seconds,
            "store_us": used / jobs * 1e6,
            "slow": len(store.slow_ms()),
        }
        for engine in engines:
            engine.close()
        print(size, "workers", found[size], flush=True)
    return found


def _work(engine: QueueEngine, worker: str, done: list[int]) -> None:
    leases: tuple[Lease, ...] = ()
    while True:
        reports = [(lease, Completed()) for lease in leases]
        leases = engine.settle_jobs(QUEUE, reports, worker=worker, want=TAKEN, lease_ms=LEASE_MS).leases
        done.append(len(reports))
        if not leases:
            return


def delayed(store: Store, jobs: int) -> dict[str, Any]:
    """What promoting and taking take with so many delayed jobs, a part of which is due."""
    store.empty()
    due = min(jobs // 10, 100 * CALLS * 2)
    store.fill(0, jobs, due_ms=lambda number: 1 if number < due else 3_600_000 + number)
    filled = [len(store.slow_ms())]
    found: dict[str, Any] = {"jobs": jobs, "due": due}
    found["promote up to 100"] = store.timed([partial(store.engine.promote_jobs, QUEUE)] * CALLS)
    found["take 16, promoting"] = store.timed([partial(store.take, TAKEN)] * CALLS)
    found["counts"] = store.timed([partial(store.engine.count_jobs, QUEUE)] * CALLS)
    return {**found, "slow_filling": filled[0], "slow": len(store.slow_ms()) - filled[0]}


def retention(store: Store, jobs: int) -> dict[str, Any]:
    """So many completed jobs, kept at first, pruned by the ordinary retention: how long any call of that took."""
    store.empty(KEEP_ALL)
    store.fill(0, jobs)
    leases = store.take(500)
    while leases:
        leases = store.settle(leases, want=500)
    kept = store.engine.count_jobs(QUEUE).completed
    store.retain(Retention())
    began, calls, before, trips = time.perf_counter(), 0, store.cpu_seconds(), []
    while True:
        call = time.perf_counter()
        moved = store.engine.prune_jobs(QUEUE)
        trips.append((time.perf_counter() - call) * 1e3)
        calls += 1
        if not moved:
            break
    used, slow = store.cpu_seconds() - before, store.slow_ms()
    return {
        "completed": kept,
        "left": store.engine.count_jobs(QUEUE).completed,
        "calls": calls,
        "cpu_us": used / calls * 1e6,
        "max_ms": max(trips),
        "seconds": time.perf_counter() - began,
        "slow": len(slow),
        "slowest_ms": max(slow, default=0.0),
    }


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", choices=("waiting", "queues", "workers", "delayed", "retention"))
    parser.add_argument("--into", type=Path, default=FOLDER)
    given = parser.parse_args()
    sizes = [size for size in (1_000, 10_000, 100_000, 1_000_000, 10_000_000) if size <= given.jobs]
    with a_store() as url:
        store = Store(url)
        parts: dict[str, Callable[[], object]] = {
            "waiting": lambda: waiting(store, sizes),
            "queues": lambda: many_queues(store, [1, 10, 100, 1_000]),
            "workers": lambda: many_workers(store, [2, 20, 200], min(given.jobs, 20_000)),
            "delayed": lambda: delayed(store, given.jobs),
            "retention": lambda: retention(store, given.jobs),
        }
        for name in given.only or parts:
            busy, began = machine.busy_seconds(), time.monotonic()
            found = parts[name]()
            others = (machine.busy_seconds() - busy) / (time.monotonic() - began)
            about = {"at": datetime.now(UTC).isoformat(timespec="minutes"), "machine": machine.described()}
            write(
                given.into,
                name,
                {**about, "loop_ms": machine.loop_seconds() * 1e3, "cores_busy": others, "found": found},
            )
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()

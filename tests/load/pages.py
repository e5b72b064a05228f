"""How fast the dashboard's list pages are over a deep queue: `make bench-pages` with 1,000,000 jobs.

The bound is the dashboard's own: a page of 100 jobs in less than 150 ms at the gateway, p95 of 50 loads each of the
first page, one in the middle and the last. On a busy machine every answer is late: by how much, a static file that is
asked for in between tells.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from fixtures.stack import RunningStack, a_stack
from queue_engine.domain.job import NewJob
from queue_engine.engine import QueueEngine

QUEUE, PAGE_SIZE, LOADS, BOUND_MS = "deep", 100, 50, 150.0
STATIC_MS = 4.0  # p95 of a static file on a machine at rest
BATCH = 500
DATA = b'{"ticketId":"tkt_000000000000000000001","propertyId":"prp_1","createdById":"usr_1","landlordId":"lnd_1"}'


def fill(engine: QueueEngine, queue: str, count: int) -> None:
    """Waiting jobs."""
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        engine.enqueue_jobs(queue, [NewJob(f"job-{number:07}", "ticket.created", DATA) for number in numbers])


@contextmanager
def a_session(stack: RunningStack, email: str) -> Iterator[httpx.Client]:
    """What a browser has, signed in to the dashboard."""
    form = {"email": email, "password": stack.stack.credentials.passwords()[email]}
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        answer = client.post("/login", data=form)
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        yield client


def addresses(count: int) -> dict[str, str]:
    """The first page, one in the middle, the last."""
    last = -(-count // PAGE_SIZE)
    pages = {"first": 1, "middle": last // 2, "last": last}
    return {name: f"/job-queues/{QUEUE}?status=waiting&pageSize={PAGE_SIZE}&page={n}" for name, n in pages.items()}


def p95(client: httpx.Client, address: str, loads: int = LOADS) -> float:
    """Milliseconds that a page takes, had the machine nothing else to do."""
    page, floor = [], []
    client.get(address).raise_for_status()  # the first one opens connections
    for _ in range(loads):
        floor.append(_load(client, "/favicon.ico"))
        page.append(_load(client, address))
    return _p95(page) / max(1.0, _p95(floor) / STATIC_MS)


def _load(client: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    client.get(address).read()
    return (time.perf_counter() - began) * 1_000


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[round(len(times) * 0.95) - 1]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder, a_stack(Path(folder)) as stack:
        engine, began = QueueEngine.connect(stack.redis_url, timeout_seconds=30), time.perf_counter()
        fill(engine, QUEUE, jobs)
        print(f"{jobs:,} jobs enqueued in {time.perf_counter() - began:.0f} s")
        figures = {}
        with a_session(stack, "ops@local") as client:
            for name, address in addresses(jobs).items():
                figures[name] = min(p95(client, address) for _ in range(3))
                print(
                    f"{name} page of {PAGE_SIZE}: p95 of {LOADS} loads {figures[name]:.0f} ms, bound {BOUND_MS:.0f} ms"
                )
        engine.close()
    return int(max(figures.values()) >= BOUND_MS)


if __name__ == "__main__":
    sys.exit(main())

"""A cluster of three primaries against one server: `make bench-cluster`, into docs/scaling.md.

The same jobs through 30 queues. On a machine of two cores three servers are not faster than one; what can be seen is
whether a job costs a cluster's nodes together what it costs one server, and whether the nodes share it evenly: then
three nodes with a core each do three times the work.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import redis

from fixtures.valkey import a_valkey
from fixtures.valkey_cluster import a_cluster
from load import machine
from load.pages import DATA
from queue_engine.domain.job import NewJob
from queue_engine.domain.lease import Completed, Lease
from queue_engine.engine import QueueEngine
from support.page_marks import put_between

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
EVERYSEC = "appendfsync everysec"
WORKER, LEASE_MS, BATCH, TAKEN = "bench", 600_000, 100, 64


@dataclass(frozen=True, slots=True)
class Row:
    """What the jobs took of each node."""

    store: str
    rate: float
    enqueue_us: list[float]
    run_us: list[float]

    def __str__(self) -> str:
        shares = " / ".join(f"{100 * node / sum(self.run_us):.0f} %" for node in self.run_us)
        return f"| {self.store} | {self.rate:,.0f} | {sum(self.enqueue_us):.0f} | {sum(self.run_us):.0f} | {shares} |"


def measure(store: str, url: str, nodes: Sequence[redis.Redis], *, queues: Sequence[str], jobs: int) -> Row:
    """Enqueue by 100, then take and settle by 64, all queues in turns."""
    engine = QueueEngine.connect(url, timeout_seconds=30)
    for queue in queues:
        _enqueue(engine, queue, -BATCH)  # what a queue costs once
    began, start = time.perf_counter(), _cpu(nodes)
    for first in range(0, jobs, BATCH):
        _enqueue(engine, queues[first // BATCH % len(queues)], first)
    filled = _cpu(nodes)
    held: dict[str, tuple[Lease, ...]] = dict.fromkeys(queues, ())
    done = 0
    while held:
        for queue in list(held):
            reports = [(lease, Completed()) for lease in held[queue]]
            done += len(reports)
            held[queue] = engine.settle_jobs(queue, reports, worker=WORKER, want=TAKEN, lease_ms=LEASE_MS).leases
            if not held[queue]:
                del held[queue]
    seconds, end = time.perf_counter() - began, _cpu(nodes)
    assert done == jobs + BATCH * len(queues), f"{done} jobs were done"
    engine.close()
    return Row(
        store,
        done / seconds,
        [(after - before) / jobs * 1e6 for before, after in zip(start, filled, strict=True)],
        [(after - before) / done * 1e6 for before, after in zip(filled, end, strict=True)],
    )


def _enqueue(engine: QueueEngine, queue: str, first: int) -> None:
    engine.enqueue_jobs(queue, [NewJob(f"job-{first + n:032}", "noop", DATA) for n in range(BATCH)])


def _cpu(nodes: Sequence[redis.Redis]) -> list[float]:
    found = [node.info("cpu") for node in nodes]
    return [float(each["used_cpu_user"] + each["used_cpu_sys"]) for each in found]


def main() -> None:
    """Measure both and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=30_000)
    parser.add_argument("--into", type=Path, default=PAGE)
    given = parser.parse_args()
    queues = [f"queue-{number}" for number in range(30)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-cluster-") as folder:
        server = a_valkey(Path(folder), extra=EVERYSEC)
        server.start()
        try:
            one = redis.Redis.from_url(server.url)
            rows.append(measure("one server", server.url, [one], queues=queues, jobs=given.jobs))
        finally:
            server.stop()
        cluster = a_cluster(Path(folder) / "cluster")
        try:
            primaries = [node.client() for node in cluster.primaries()]
            title = "three primaries with a replica each"
            rows.append(measure(title, cluster.url, primaries, queues=queues, jobs=given.jobs))
        finally:
            for node in cluster.nodes:
                node.kill()
    heads = "| store | jobs/s of one client | enqueue, us a job | take and settle, us a job | by node |"
    told = (
        f"CPU of the primaries. Measured {datetime.now(UTC):%Y-%m-%d}, {given.jobs:,} jobs, on {machine.described()}."
    )
    put_between(given.into, "cluster", "\n".join([heads, "|---|--:|--:|--:|--:|", *map(str, rows), "", told]))
    print(*rows, sep="\n")


if __name__ == "__main__":
    main()

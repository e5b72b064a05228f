"""A Valkey of one's own, filled to a size, and what a call on it takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from load.pages import DATA
from queue_engine.domain.job import DEFAULT_RETENTION, NewJob, Retention
from queue_engine.domain.lease import Completed, Lease, Outcome
from queue_engine.engine import QueueEngine

QUEUE, WORKER, LEASE_MS = "deep", "bench", 3_600_000
BATCH = 500
SLOW_MS = 10
COMPLETED = Completed()
Figures = dict[str, float]


@dataclass(slots=True)
class Store:
    """One server and an engine on it."""

    url: str
    engine: QueueEngine = field(init=False)
    client: redis.Redis = field(init=False)

    def __post_init__(self) -> None:
        self.client = redis.Redis.from_url(self.url, socket_timeout=120)  # emptying a large store takes its time
        self.engine = QueueEngine.connect(self.url)
        self.empty()

    def empty(self, retention: Retention = DEFAULT_RETENTION) -> None:
        """A new store; a new engine too, the old one would take it for a loss."""
        self.client.flushall(asynchronous=False)
        self.client.config_set("slowlog-log-slower-than", SLOW_MS * 1_000)
        self.client.config_set("slowlog-max-len", 100_000)
        self.retain(retention)

    def retain(self, retention: Retention) -> None:
        """Go on with another retention."""
        self.engine.close()
        self.engine = QueueEngine.connect(self.url, timeout_seconds=30, retention=retention)
        self.client.slowlog_reset()

    def fill(self, first: int, last: int, *, queue: str = QUEUE, due_ms: Callable[[int], int] | None = None) -> None:
        """Jobs of the numbers from `first` to `last`, those with `due_ms` delayed by so much."""
        for begin in range(first, last, BATCH):
            numbers = range(begin, min(begin + BATCH, last))
            jobs = [NewJob(job_id(n), "noop", DATA, delay_ms=due_ms(n) if due_ms else None) for n in numbers]
            self.engine.enqueue_jobs(queue, jobs)

    def take(self, want: int, queue: str = QUEUE) -> tuple[Lease, ...]:
        """Lease jobs."""
        return self.engine.settle_jobs(queue, [], worker=WORKER, want=want, lease_ms=LEASE_MS).leases

    def settle(self, leases: Sequence[Lease], outcome: Outcome = COMPLETED, *, want: int = 0) -> tuple[Lease, ...]:
        """Tell outcomes and take the next."""
        reports = [(lease, outcome) for lease in leases]
        queue = leases[0].queue if leases else QUEUE
        return self.engine.settle_jobs(queue, reports, worker=WORKER, want=want, lease_ms=LEASE_MS).leases

    def timed(self, calls: Sequence[Callable[[], Any]]) -> Figures:
        """The store's CPU time a call in microseconds, which others hardly change, and the median round trip in ms."""
        trips, before = [], self.cpu_seconds()
        for call in calls:
            began = time.perf_counter()
            call()
            trips.append((time.perf_counter() - began) * 1e3)
        return {"cpu_us": (self.cpu_seconds() - before) / len(calls) * 1e6, "ms": statistics.median(trips)}

    def cpu_seconds(self) -> float:
        """The server's so far."""
        found = self.client.info("cpu")
        return float(found["used_cpu_user"] + found["used_cpu_sys"])

    def memory(self) -> int:
        """Bytes in use."""
        return int(self.client.info("memory")["used_memory"])

    def slow_ms(self) -> list[float]:
        """Functions that took over 10 ms since it was emptied: by the wall clock, so also when others had the core."""
        return [entry["duration"] / 1e3 for entry in self.client.slowlog_get(100_000) if b"FCALL" in entry["command"]]


def job_id(number: int) -> str:
    """As long as a UUID."""
    return f"job-{number:032}"

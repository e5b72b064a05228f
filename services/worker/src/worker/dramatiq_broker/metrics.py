"""What a worker process measures. Counts of jobs come from the engine, by queue-admin: they survive a killed worker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from worker.dramatiq_broker.job import Job
from worker.dramatiq_broker.roster import Roster
from worker.dramatiq_broker.tally import QueueHistogram

# Milliseconds, as the metric's name says; the library's own buckets are meant for seconds.
MILLISECONDS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000)
SECONDS = (0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400)


class WorkerMetrics:
    """Told about jobs in batches, by the consumer thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._duration = QueueHistogram(
            "queue_processing_duration_ms", "Time a handler ran, in ms.", buckets=MILLISECONDS, registry=registry
        )
        self._wait = QueueHistogram(
            "queue_wait_duration_seconds",
            "Time from the enqueue to the first start of the handler, a wanted delay included.",
            buckets=SECONDS,
            registry=registry,
        )

    def observe(self, jobs: Sequence[Job]) -> None:
        """Jobs of one queue whose outcome was told."""
        queue, ended = jobs[0].queue_name, [job for job in jobs if job.ended_at]
        # Both clocks are near each other at best; the monotonic one of this process is mapped to the wall's here.
        offset = time.time() - time.monotonic()
        first = [job for job in ended if job.lease.deliveries == 1 and not job.lease.attempts_made]
        waited = [job.began_at + offset - job.lease.created_at_ms / 1000 for job in first]
        self._duration.observe(queue, [(job.ended_at - job.began_at) * 1000 for job in ended])
        self._wait.observe(queue, [seconds if seconds > 0 else 0.0 for seconds in waited])

    def watch(self, roster: Roster, fetched_at: Mapping[str, float]) -> None:
        """Show, at each scrape, the busy threads and when the store last answered a take (monotonic seconds)."""
        self._registry.register(_Fetches(fetched_at))
        self._registry.register(_LostLeases(roster.lost_leases))
        busy = Gauge("worker_busy_threads", "Threads that run a handler.", registry=self._registry)
        busy.set_function(lambda: len(roster.running))


class _Fetches(Collector):
    def __init__(self, fetched_at: Mapping[str, float]) -> None:
        self._fetched_at = fetched_at

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The one time per queue, on the wall's clock."""
        family = GaugeMetricFamily(
            "worker_last_fetch_timestamp_seconds", "When the store last answered a take.", labels=["queue"]
        )
        offset = time.time() - time.monotonic()
        for queue, at in list(self._fetched_at.items()):
            family.add_metric([queue], at + offset)
        yield family


class _LostLeases(Collector):
    def __init__(self, lost_leases: Mapping[str, int]) -> None:
        self._lost_leases = lost_leases

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The one count per queue."""
        family = CounterMetricFamily(
            "queue_lease_lost_total", "Leases that this worker lost while it held the job.", labels=["queue"]
        )
        for queue, lost in list(self._lost_leases.items()):
            family.add_metric([queue], lost)
        yield family

"""A histogram that is told many values at once: the library's own takes two locks and walks its buckets for each."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class QueueHistogram(Collector):
    """A histogram by queue. Thread-safe."""

    def __init__(self, name: str, about: str, *, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name, self._about, self._bounds = name, about, [float(bound) for bound in buckets]
        self._lock = threading.Lock()
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        registry.register(self)

    def observe(self, queue: str, values: Sequence[float]) -> None:
        """Count values of one queue."""
        with self._lock:
            counts = self._counts.setdefault(queue, [0] * (len(self._bounds) + 1))
            self._sums[queue] = self._sums.get(queue, 0.0) + sum(values)
            bounds = self._bounds
            for value in values:
                counts[bisect_left(bounds, value)] += 1

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What was counted so far."""
        family = HistogramMetricFamily(self._name, self._about, labels=["queue"])
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        with self._lock:
            for queue, counts in self._counts.items():
                buckets = list(zip(names, accumulate(counts), strict=True))
                family.add_metric([queue], buckets=buckets, sum_value=self._sums[queue])
        yield family

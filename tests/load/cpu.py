"""CPU time of processes: unlike the rate, other load on the machine hardly changes it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Cost:
    """What some jobs cost, in microseconds of CPU a job; zero until the measured part ended."""

    own_us: float = 0.0
    """The processes under measurement: workers, or the one that enqueues."""
    store_us: float = 0.0


@contextmanager
def measured(own: Iterable[int], store: int, *, jobs: int) -> Iterator[Cost]:
    """Measure what the block takes of the processes `own` and of the store for so many jobs."""
    own, cost = list(own), Cost()
    before, stored = cpu_seconds(own), cpu_seconds([store])
    yield cost
    cost.own_us = (cpu_seconds(own) - before) / jobs * 1e6
    cost.store_us = (cpu_seconds([store]) - stored) / jobs * 1e6


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that processes took so far, all their threads included."""
    return sum(_ticks(pid) for pid in pids) / TICKS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime, stime; the first of these fields is the third of the file


def loop_seconds(turns: int = 2_000_000) -> float:
    """CPU time of a fixed pure-Python loop: how fast this machine is today."""
    began = time.process_time()
    for _ in range(turns):
        pass
    return time.process_time() - began

"""The job service against Dramatiq's stock RedisBroker, interleaved on one local Valkey: `make bench-quick`.

Compare ratios, not figures: both run on the same machine within seconds of each other. A drain's clock runs from the
moment every worker has started a job to the last start. The server is this script's own and is emptied between runs.
CPU a job is what the workers (or the one that enqueues) and the store took, all of it, whoever else used the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from fixtures.valkey import a_valkey
from load.bench_worker import QUEUE, stock
from load.cpu import Cost, loop_seconds, measured
from queue_engine.domain.job import NewJob
from queue_engine.engine import QueueEngine

KINDS = ("stock", "ours")
SYSTEM = {"stock": "Dramatiq with RedisBroker", "ours": "job service"}
WINDOW = 120.0  # seconds a drain may take, and a worker to start: far more than they do on a machine at rest
SETTLED = 0.2  # seconds after the last start within which its outcome is told


def payload(number: int, at: int = 0) -> dict[str, object]:
    """A ticket event of about 300 bytes."""
    return {
        "ticketId": f"tkt_{number:021d}",
        "propertyId": f"prp_{number % 997:021d}",
        "createdById": f"usr_{number % 503:021d}",
        "landlordId": f"lnd_{number % 101:021d}",
        "note": "the heating in the second bathroom stays cold, please come between eight and twelve on any weekday",
        "at": at,
    }


@dataclass(frozen=True, slots=True)
class Run:
    """What a workload showed."""

    rate: float
    """Jobs a second."""
    cost: Cost

    def __str__(self) -> str:
        """For people who watch."""
        return f"{self.rate:,.0f} jobs/s, CPU a job {self.cost.own_us:.0f} us, of the store {self.cost.store_us:.0f} us"


class Bench:
    """One server, and what is measured on it."""

    def __init__(self, url: str, store: int, folder: Path) -> None:
        self.url, self.store, self.folder = url, store, folder
        self.client = redis.Redis.from_url(url)
        self.engine = QueueEngine.connect(url)
        self.stock = stock(url, lambda _at: None).get_actor("noop")

    def empty(self) -> None:
        """As a new server, its memory given back."""
        self.client.flushall(asynchronous=False)
        self.engine.close()
        self.engine = QueueEngine.connect(self.url)  # the one before would take the empty store for a loss
        time.sleep(0.2)

    def job(self, number: int, at: int = 0) -> NewJob:
        """As queue-admin makes it."""
        return NewJob(job_id=str(uuid.uuid4()), name="noop", data=json.dumps(payload(number, at)).encode())

    def enqueue_one(self, kind: str, number: int, at: int = 0) -> None:
        """One call, one job."""
        if kind == "stock":
            self.stock.send(payload(number, at))
        else:
            self.engine.enqueue_job(QUEUE, self.job(number, at))

    def enqueue(self, kind: str, count: int) -> Run:
        """One by one."""
        began = time.perf_counter()
        with measured([os.getpid()], self.store, jobs=count) as cost:
            for number in range(count):
                self.enqueue_one(kind, number)
        return Run(count / (time.perf_counter() - began), cost)

    def enqueue_batches(self, count: int, *, size: int = 100) -> Run:
        """In batches; stock Dramatiq has none."""
        began = time.perf_counter()
        with measured([os.getpid()], self.store, jobs=count) as cost:
            for first in range(0, count, size):
                self.engine.enqueue_jobs(QUEUE, [self.job(number) for number in range(first, first + size)])
        return Run(count / (time.perf_counter() - began), cost)

    def bytes_per_waiting_job(self, kind: str, count: int = 5_000) -> float:
        """Store memory a waiting job takes, its share of the indexes included."""
        self.empty()
        self.enqueue(kind, 1)
        before = self.client.info("memory")["used_memory"]
        self.enqueue(kind, count)
        return float((self.client.info("memory")["used_memory"] - before) / count)

    def drain(self, kind: str, count: int, *, processes: int) -> Run:
        """The workers start `count` jobs that wait in the queue."""
        self.empty()
        if kind == "stock":
            self.enqueue(kind, count)
        else:
            self.enqueue_batches(count)
        with self.workers(kind, processes) as (marks, pids, go), measured(pids, self.store, jobs=count) as cost:
            go()
            wait(lambda: sum(map(starts_in, marks)) >= count, WINDOW)
            time.sleep(SETTLED)
        starts = [[start for start, _ in read(path)] for path in marks]
        first = max(min(times) for times in starts)
        counted = [start for times in starts for start in times if start >= first]
        return Run((len(counted) - 1) / ((max(counted) - first) / 1e9), cost)

    def latency(self, kind: str, count: int = 40) -> list[float]:
        """Milliseconds from an enqueue into the empty queue of an idle worker to the handler's start, sorted."""
        self.empty()
        with self.workers(kind, 1) as ((marks,), _, go):
            go()
            time.sleep(2)  # idle
            for number in range(count):
                time.sleep(0.12 + number % 7 * 0.02)
                self.enqueue_one(kind, number, time.monotonic_ns())
            wait(lambda: starts_in(marks) >= count, WINDOW)
            return sorted((start - at) / 1e6 for start, at in read(marks))

    @contextmanager
    def workers(self, kind: str, processes: int) -> Iterator[tuple[list[Path], list[int], Callable[[], None]]]:
        """Worker processes, ready; gives the files of their marks, their ids, and what lets them begin together."""
        marks = [self.folder / uuid.uuid4().hex for _ in range(processes)]
        go = self.folder / uuid.uuid4().hex
        command = [sys.executable, "-m", "load.bench_worker", kind, self.url]
        running = [subprocess.Popen([*command, str(path), str(go)]) for path in marks]
        try:
            wait(lambda: all(Path(f"{path}.ready").exists() for path in marks), WINDOW)
            yield marks, [process.pid for process in running], go.touch
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(10)


def starts_in(marks: Path) -> int:
    """How many handlers have started."""
    return marks.stat().st_size // 16


def read(marks: Path) -> list[tuple[int, int]]:
    """(start, enqueued) of each."""
    return list(struct.iter_unpack("<QQ", marks.read_bytes()))


def wait(condition: Callable[[], bool], seconds: float) -> None:
    """Until it holds; looks rarely, so as to take nothing from the measured."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench: not done within {seconds:.0f} s")
        time.sleep(0.05)


def report(title: str, figures: dict[str, list[Run]]) -> float:
    """One line of median rates, one each of CPU a job; returns the median of the pairs' ratios of rates."""
    ratio = line(title, {kind: [run.rate for run in figures[kind]] for kind in KINDS}, "jobs/s")
    line("    own CPU a job", {kind: [run.cost.own_us for run in figures[kind]] for kind in KINDS}, "us")
    line("    store CPU a job", {kind: [run.cost.store_us for run in figures[kind]] for kind in KINDS}, "us")
    return ratio


def line(title: str, figures: dict[str, list[float]], unit: str) -> float:
    """One line of medians; returns the median of the pairs' ratios."""
    ratio = statistics.median(mine / theirs for mine, theirs in zip(figures["ours"], figures["stock"], strict=True))
    told = ", ".join(f"{SYSTEM[kind]} {statistics.median(figures[kind]):,.0f} {unit}" for kind in KINDS)
    print(f"{title}: {told}; ratio {ratio:.2f}", flush=True)
    return ratio


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--jobs", type=int, default=20_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        server = a_valkey(Path(tempfile.mkdtemp()), extra="appendfsync everysec\nauto-aof-rewrite-percentage 0")
        server.start()
        try:
            bench = Bench(server.url, server.process.pid or 0, Path(folder))
            print(f"2,000,000 turns of an empty loop take this machine {loop_seconds():.3f} s of CPU", flush=True)
            measure(bench, rounds=given.rounds, jobs=given.jobs)
        finally:
            server.stop()


def measure(bench: Bench, *, rounds: int, jobs: int) -> None:
    """Everything, the two systems in turns."""
    alone, pair, single, batches = ({kind: list[Run]() for kind in KINDS} for _ in range(4))
    for number in range(rounds):
        for kind in KINDS:
            bench.empty()
            single[kind].append(bench.enqueue(kind, 2_000))
        batches["stock"].append(single["stock"][-1])
        batches["ours"].append(bench.enqueue_batches(10_000))
        for figures, processes in ((alone, 1), (pair, 2)):
            for kind in KINDS:
                figures[kind].append(bench.drain(kind, jobs, processes=processes))
                print(f"round {number + 1}, {processes} processes, {kind}: {figures[kind][-1]}", flush=True)
    report("enqueue one by one", single)
    report("enqueue in batches of 100 against one by one", batches)
    for kind in KINDS:
        found = bench.latency(kind)
        p50, p99 = statistics.median(found), found[int(len(found) * 0.99)]
        print(f"wake latency, {SYSTEM[kind]}: p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True)
    line("store memory per waiting job", {kind: [bench.bytes_per_waiting_job(kind)] for kind in KINDS}, "bytes")
    one = report(f"{jobs:,} no-op jobs, one process of 8 threads", alone)
    two = report(f"{jobs:,} no-op jobs, two processes", pair)
    print(f"ratio one process: {one:.2f}")
    print(f"ratio two processes: {two:.2f}")


if __name__ == "__main__":
    main()

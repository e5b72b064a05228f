"""One Valkey, and what any job queue is made to do on it.

A drain's clock runs from the moment every worker process has started a job to the last start, or to the end of the
window. CPU a job is the workers' and the store's, all of it. `others` is what the rest of the machine used meanwhile,
in cores.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import struct
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import redis

from fixtures.valkey import a_valkey
from load import jemalloc, machine
from load.peers.systems import APPS, System

Figures = dict[str, float]
CONFIGURATION = "appendfsync everysec\nauto-aof-rewrite-percentage 0\nlazyfree-lazy-user-flush no"
MEMORY = Path("/dev/shm")  # noqa: S108 - where there is one: marks must not cost a disk
STOP_SECONDS = 4.0
START_SECONDS = 40.0


class Unmeasured(Exception):
    """A system did not do what it was asked to within its time."""


@dataclass(frozen=True, slots=True)
class Task:
    """What workers are given: a kind of job, at most so many at once in a process, and how long one sleeps."""

    job: str = "noop"
    at_once: int | None = None  # None: as the system does it
    sleep_ms: int = 0


@dataclass(slots=True)
class Workers:
    """Processes that run jobs."""

    processes: list[subprocess.Popen[bytes]]
    marks: list[Path]

    def pids(self) -> list[int]:
        """All of them, children included."""
        return [pid for process in self.processes for pid in machine.session(process.pid)]

    def starts(self) -> int:
        """How many jobs have been marked."""
        return sum(path.stat().st_size // 16 for path in self.marks)

    def read(self) -> list[list[tuple[int, int]]]:
        """(started, told) of each job, by process."""
        return [
            list(struct.iter_unpack("<QQ", path.read_bytes()[: path.stat().st_size // 16 * 16])) for path in self.marks
        ]


@dataclass
class Arena:
    """Empty before every run; queues that are costly to fill are kept in another database and copied back."""

    url: str
    folder: Path  # in memory: the marks
    window: float  # seconds that a drain may take
    _kept: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client = redis.Redis.from_url(self.url, socket_timeout=60)
        self.pantry = redis.Redis.from_url(self.url.removesuffix("/0") + "/1")

    def clear(self) -> None:
        """An empty queue store, its memory given back."""
        self.client.flushdb(asynchronous=False)
        time.sleep(0.2)

    def memory(self) -> int:
        """Bytes in use."""
        return int(self.client.info("memory")["used_memory"])

    def store_seconds(self) -> float:
        """CPU time of the server so far."""
        found = self.client.info("cpu")
        return float(found["used_cpu_user"] + found["used_cpu_sys"])

    def enqueue(
        self, system: System, how: str, count: int, *, job: str = "noop", more: Sequence[float] = ()
    ) -> Figures:
        """Run the enqueuing process to its end; rate, its CPU and the store's a job in microseconds."""
        command = [*system.enqueuer, how, job, str(count), *map(str, more)]
        stored, busy, began = self.store_seconds(), machine.busy_seconds(), time.monotonic()
        done = subprocess.run(command, cwd=APPS, env=self._environment(Task(job)), capture_output=True, check=False)
        if done.returncode:
            raise Unmeasured(f"{' '.join(command)}: {done.stderr.decode()[-600:]}")
        store = self.store_seconds() - stored
        told: Figures = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
        others = (machine.busy_seconds() - busy - store) / (time.monotonic() - began)  # the enqueuer's own is in it
        return {
            **told,
            "store_us": store * 1e6 / count,
            "others": max(0.0, others - told.get("cpu_us", 0) * told.get("rate", 0) / 1e6),
        }

    def fill(self, system: System, count: int, *, job: str = "noop") -> None:
        """So many waiting jobs."""
        self.clear()
        prefix = f"{system.name} {job} {count} "
        if prefix in self._kept:
            for key in self.pantry.scan_iter(match=f"{prefix}*", count=1_000):
                self.pantry.copy(key, key[len(prefix) :], destination_db="0")
            return
        self.enqueue(system, "fill", count, job=job)
        if system.copies:
            for key in self.client.scan_iter(count=1_000):
                self.client.copy(key, prefix.encode() + key, destination_db="1")
            self._kept.add(prefix)

    def drain(self, system: System, count: int, *, processes: int = 1, task: Task = Task()) -> Figures:
        """Jobs a second, CPU a job, from when all workers are at it."""
        self.fill(system, count, job=task.job)
        with self.workers(system, processes, task) as workers:
            until(
                lambda: all(path.stat().st_size for path in workers.marks) or workers.starts() >= count,
                START_SECONDS,
                system.name,
            )
            began, handled = time.monotonic(), workers.starts()
            cpu, stored, busy = machine.cpu_seconds(workers.pids()), self.store_seconds(), machine.busy_seconds()
            while workers.starts() < count and time.monotonic() - began < self.window:
                time.sleep(0.05)
            seconds, done = time.monotonic() - began, workers.starts() - handled
            used, store = machine.cpu_seconds(workers.pids()) - cpu, self.store_seconds() - stored
            others = (machine.busy_seconds() - busy - used - store) / seconds
            starts = [[at for at, _ in marks] for marks in workers.read()]
        return {
            **rate(starts),
            "worker_us": used * 1e6 / max(1, done),
            "store_us": store * 1e6 / max(1, done),
            "others": max(0.0, others),
            "drained": float(handled + done >= count),
        }

    def late(
        self, system: System, how: str, count: int, *, more: Sequence[float], task: Task, within: float
    ) -> Figures:
        """Milliseconds from when a job was enqueued, or due, to its start, by a worker that waits for it."""
        self.clear()
        with self.workers(system, 1, task) as workers:
            time.sleep(2)  # idle
            stored, busy, began = self.store_seconds(), machine.busy_seconds(), time.monotonic()
            cpu = machine.cpu_seconds(workers.pids())
            self.enqueue(system, how, count, job=task.job, more=more)
            spare = time.monotonic() + within
            told: list[float] = []
            while len(told) < count and time.monotonic() < spare:
                time.sleep(0.1)
                told = [(start - at) / 1e6 for start, at in workers.read()[0] if at]
            if not told:
                raise Unmeasured(f"{system.name} started nothing")
            used, store = machine.cpu_seconds(workers.pids()) - cpu, self.store_seconds() - stored
            others = (machine.busy_seconds() - busy - used - store) / (time.monotonic() - began)
        return {
            **percentiles(told),
            "started": len(told) / count,
            "worker_us": used * 1e6 / count,
            "others": max(0.0, others),
        }

    @contextmanager
    def workers(self, system: System, processes: int, task: Task) -> Iterator[Workers]:
        """Workers that begin together; stopped, or killed, at the end."""
        go = self.folder / uuid.uuid4().hex
        marks = [self.folder / uuid.uuid4().hex for _ in range(processes)]
        for path in marks:
            path.touch()
        running = [
            subprocess.Popen(
                system.command(number, task.at_once or system.at_once, self.url),
                cwd=APPS,
                env={**self._environment(task, system), "BENCH_MARKS": str(path), "BENCH_GO": str(go)},
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for number, path in enumerate(marks)
        ]
        workers = Workers(running, marks)
        try:
            if system.says_ready:
                until(lambda: all(Path(f"{path}.ready").exists() for path in marks), START_SECONDS, system.name)
            go.touch()
            yield workers
        finally:
            _stop(workers)

    def _environment(self, task: Task, system: System | None = None) -> dict[str, str]:
        at_once = task.at_once or (system.at_once if system else 8)
        told = {"URL": self.url, "JOB": task.job, "AT_ONCE": str(at_once), "SLEEP_MS": str(task.sleep_ms)}
        path = os.pathsep.join([str(APPS)])
        return {**os.environ, "PYTHONPATH": path, **{f"BENCH_{name}": value for name, value in told.items()}}  # noqa: TID251 - children need theirs


@contextmanager
def a_store() -> Iterator[str]:
    """The address of a Valkey that all systems are measured on."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        server = a_valkey(Path(folder), extra=CONFIGURATION)
        server.process.program = replace(server.process.program, environment=jemalloc.environment())
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


@contextmanager
def an_arena(window: float) -> Iterator[Arena]:
    """On a store of its own; a drain may take `window` seconds."""
    with a_store() as url, tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Arena(url, Path(folder), window)


def rate(starts: list[list[int]]) -> Figures:
    """Starts a second from when each process has begun one."""
    first = max((min(times) for times in starts if times), default=0)
    counted = [at for times in starts for at in times if at >= first]
    if len(counted) < 2:
        raise Unmeasured("not two jobs were started")
    return {"rate": (len(counted) - 1) / ((max(counted) - first) / 1e9)}


def percentiles(values: Sequence[float]) -> Figures:
    """The middle and the tail."""
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1]}


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Look rarely, so as to take nothing from the measured. Raises Unmeasured."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Unmeasured(f"{what}: nothing within {seconds:.0f} s")
        time.sleep(0.05)


def _stop(workers: Workers) -> None:
    for process in workers.processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and any(process.poll() is None for process in workers.processes):
        time.sleep(0.05)
    for pid in [pid for process in workers.processes for pid in machine.session(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in workers.processes:
        process.wait()

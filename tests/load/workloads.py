"""The workloads of `make bench`: what a job queue is made to do, and which of its figures decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from load.arena import Arena, Figures, Task
from load.peers.systems import HEADLINE, MAIN, System

DEEP = ("ours", "dramatiq", "bullmq")
BATCHES = ("ours", "dramatiq", "bullmq", "rq")
DELAYED = ("ours", "dramatiq", "bullmq")
FAIR = ("ours", "dramatiq")


@dataclass(frozen=True, slots=True)
class Workload:
    """`run(arena, system, size)` gives figures; `columns` are those shown, with their title and format.

    The first column decides, compared with stock Dramatiq's; `more_is_better` says which way.
    """

    title: str
    about: str
    run: Callable[[Arena, System, float], Figures]
    columns: Mapping[str, tuple[str, str]]
    systems: Sequence[str] = tuple(MAIN)
    more_is_better: bool = True
    rounds: int = 3


RATE = {"rate": ("jobs/s", ",.0f")}
COST = {"worker_us": ("worker CPU µs/job", ",.0f"), "store_us": ("store CPU µs/job", ",.0f")}
LATE = {"p50": ("p50 ms", ",.1f"), "p99": ("p99 ms", ",.1f")}


def some(count: int, size: float) -> int:
    """So many at this size, and never too few to mean anything."""
    return max(200, round(count * size))


def _enqueue(how: str, count: int, arena: Arena, system: System, size: float) -> Figures:
    arena.clear()
    return arena.enqueue(system, how, some(count, size))


def _batch(arena: Arena, system: System, size: float) -> Figures:
    how, count = ("batch", 20_000) if system.in_batches else ("single", 5_000)
    return _enqueue(how, count, arena, system, size)


def _noop(processes: int, arena: Arena, system: System, size: float) -> Figures:
    return arena.drain(system, some(system.fill, size), processes=processes)


def _deep(processes: int, arena: Arena, system: System, size: float) -> Figures:
    return arena.drain(system, some(200_000, size), processes=processes)


def _timed(sleep_ms: int, count: int, arena: Arena, system: System, size: float) -> Figures:
    return arena.drain(system, some(count, size), task=Task("timed", at_once=8, sleep_ms=sleep_ms))


def _fair(arena: Arena, system: System, _size: float) -> Figures:
    found = arena.drain(system, 160, processes=2, task=Task("timed", at_once=8, sleep_ms=1_000))
    # The clock of a drain ends with the last start: then the last ones run for their second.
    return {**found, "seconds": 159 / found["rate"] + 1}


def _idle(arena: Arena, system: System, size: float) -> Figures:
    return arena.late(system, "pace", some(60, size) if size >= 1 else 20, more=(0.15,), task=Task(), within=10)


def _half_busy(arena: Arena, system: System, size: float) -> Figures:
    task = Task("timed", at_once=8, sleep_ms=20)  # 400 a second is all that anybody can
    return arena.late(system, "pace", some(2_000, size), more=(0.005,), task=task, within=30)


def _retries(arena: Arena, system: System, size: float) -> Figures:
    return arena.drain(system, some(4_000, size), task=Task("flaky"))


def _delayed(arena: Arena, system: System, size: float) -> Figures:
    count = some(100_000, size)
    lead = 10 + count / (2_000 if system.in_batches else 400)  # enqueued before the first is due, on a busy machine too
    return arena.late(system, "due", count, more=(60 * size, lead), task=Task(), within=lead + 180 * size + 20)


def _memory(arena: Arena, system: System, size: float) -> Figures:
    count = some(5_000, size)
    arena.clear()
    arena.enqueue(system, "single", 200)  # what a queue takes once
    before = arena.memory()
    arena.clear()
    arena.enqueue(system, "single", count + 200)
    return {"waiting": (arena.memory() - before) / count, **_memory_of_completed(arena, system)}


def _memory_of_completed(arena: Arena, system: System) -> Figures:
    count = 1_000  # as many as ours and BullMQ keep
    if not arena.drain(system, count)["drained"]:
        return {}
    full = arena.memory()
    arena.clear()
    return {"completed": max(0.0, full - arena.memory()) / count}  # what forgets them frees a little more than it took


WORKLOADS: dict[str, Workload] = {
    "noop-1": Workload(
        "No-op jobs, one worker process",
        "20,000 waiting jobs (fewer for those that would not drain them within the window).",
        partial(_noop, 1),
        {**RATE, **COST},
        tuple(HEADLINE),
        rounds=5,
    ),
    "noop-2": Workload(
        "No-op jobs, two worker processes",
        "The same through two processes; on two cores they share them with the store.",
        partial(_noop, 2),
        {**RATE, **COST},
        tuple(HEADLINE),
        rounds=5,
    ),
    "enqueue": Workload(
        "Enqueue one by one",
        "5,000 jobs, each confirmed before the next, by one process.",
        partial(_enqueue, "single", 5_000),
        {**RATE, "cpu_us": ("own CPU µs/job", ",.0f"), "store_us": COST["store_us"]},
        tuple(HEADLINE),
    ),
    "batch": Workload(
        "Enqueue in batches of 100",
        "20,000 jobs by those that have a call for it. Dramatiq has none and enqueues 5,000 one by one, for the ratio; "
        "Celery, taskiq and arq have none either.",
        _batch,
        {**RATE, "cpu_us": ("own CPU µs/job", ",.0f"), "store_us": COST["store_us"]},
        BATCHES,
        rounds=5,
    ),
    "deep-1": Workload(
        "No-op jobs out of 200,000 waiting, one process",
        "A deep queue; the clock stops after the window.",
        partial(_deep, 1),
        {**RATE, **COST},
        DEEP,
    ),
    "deep-2": Workload(
        "No-op jobs out of 200,000 waiting, two processes",
        "The same through two processes.",
        partial(_deep, 2),
        {**RATE, **COST},
        DEEP,
    ),
    "timed-1ms": Workload(
        "Jobs of 1 ms",
        "One process, 8 at once in every system.",
        partial(_timed, 1, 8_000),
        {**RATE, **COST},
    ),
    "timed-20ms": Workload(
        "Jobs of 20 ms",
        "One process, 8 at once in every system: 400 jobs/s are all there is.",
        partial(_timed, 20, 2_000),
        {**RATE, **COST},
    ),
    "fair": Workload(
        "160 jobs of 1 s over two processes of 8 threads",
        "10 s if they are shared out evenly.",
        _fair,
        {"seconds": ("s", ",.2f")},
        FAIR,
        more_is_better=False,
    ),
    "idle": Workload(
        "From enqueue to start, idle",
        "One job each 150 ms on average into an empty queue, one process.",
        _idle,
        LATE,
        more_is_better=False,
    ),
    "half-busy": Workload(
        "From enqueue to start at half of what the worker can do",
        "Jobs of 20 ms, 8 at once, 200 a second by chance.",
        _half_busy,
        LATE,
        more_is_better=False,
    ),
    "retries": Workload(
        "Retries: three of ten jobs fail twice",
        "One process; a retry is due after 10 ms (taskiq's middleware: at once). Counted: jobs that succeeded.",
        _retries,
        {**RATE, **COST},
    ),
    "delayed": Workload(
        "Delayed jobs, 100,000 due within a minute",
        "From when a job is due to its start, one process. taskiq's broker has none, Celery holds them in the worker.",
        _delayed,
        {**LATE, "started": ("started in time", ".0%")},
        DELAYED,
        more_is_better=False,
    ),
    "memory": Workload(
        "Store memory",
        "Bytes for each of 5,000 waiting jobs, indexes included, and what is left of each of 1,000 completed ones.",
        _memory,
        {"waiting": ("bytes a waiting job", ",.0f"), "completed": ("bytes a completed job", ",.0f")},
        tuple(HEADLINE),
        more_is_better=False,
    ),
}

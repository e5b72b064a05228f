"""Who is measured, and with which settings: the best that each one's own guide recommends for this work."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from load.peers import environments

APPS = Path(__file__).parent / "apps"
TITLES = {
    "ours": "**job service**",
    "dramatiq": "Dramatiq, RedisBroker",
    "celery": "Celery",
    "taskiq": "taskiq, Redis streams",
    "rq": "RQ, SimpleWorker",
    "arq": "arq, poll 10 ms",
    "bullmq": "BullMQ (Node)",
}
"""How each is called, in the order of the tables."""


@dataclass(frozen=True, slots=True)
class System:
    """A job queue as it is started here.

    `fill` is how many jobs its worker gets to drain where others get 20,000: what it does within the window. `copies`:
    a filled queue can be put back key by key. `in_batches`: it has a call for many jobs.
    """

    name: str
    settings: str
    worker: tuple[str, ...]
    enqueuer: tuple[str, ...]
    at_once: int = 8
    fill: int = 20_000
    copies: bool = False
    in_batches: bool = False
    says_ready: bool = True  # before it takes its first job

    def command(self, number: int, at_once: int, url: str) -> list[str]:
        """Its worker's."""
        return [part.format(number=number, at_once=at_once, url=url) for part in self.worker]


def _python(interpreter: Path | str, name: str) -> tuple[str, ...]:
    return (str(interpreter), "enqueue.py", name)


def ours() -> System:
    """The job service."""
    return System(
        "ours",
        "one process of 8 threads; engine, broker, payload model, metrics, log context as in production",
        (sys.executable, "ours_app.py"),
        _python(sys.executable, "ours"),
        in_batches=True,
    )


def dramatiq() -> System:
    """The stock broker."""
    return System(
        "dramatiq",
        "its command line with `-p 1 -t 8`, default middleware, from the same environment as ours",
        (str(Path(sys.executable).parent / "dramatiq"), "dramatiq_app", "-p", "1", "-t", "{at_once}", "--skip-logging"),
        _python(sys.executable, "dramatiq"),
        copies=True,
    )


def celery() -> System:
    """With threads, which were faster here than its default of forked processes."""
    python = environments.python("python")
    options = "-q -A celery_app worker -n w{number}@bench -P threads -c {at_once} --loglevel=CRITICAL"
    quiet = "--without-gossip --without-mingle --without-heartbeat"
    return System(
        "celery",
        "pool of 8 threads, acks_late, no results, prefetch multiplier 64, no gossip, mingle, heartbeat, hiredis",
        (str(python.parent / "celery"), *options.split(), *quiet.split()),
        _python(python, "celery"),
        fill=8_000,
        copies=True,
    )


def taskiq() -> System:
    """Streams: the broker of its Redis package that acknowledges."""
    python = environments.python("python")
    options = "worker --workers 1 --max-async-tasks {at_once} --log-level CRITICAL taskiq_app:broker"
    return System(
        "taskiq",
        "one process, 100 async tasks at once (its default), uvloop, hiredis",
        (str(python.parent / "taskiq"), *options.split()),
        _python(python, "taskiq"),
        at_once=100,
        copies=True,
    )


def rq() -> System:
    """The worker that does not fork."""
    python = environments.python("python")
    return System(
        "rq",
        "its worker that does not fork for each job (the default one does), hiredis",
        (str(python.parent / "rq"), "worker", "-w", "rq.SimpleWorker", "-q", "--url", "{url}"),
        _python(python, "rq"),
        fill=3_000,
        in_batches=True,
        says_ready=False,
    )


def arq() -> System:
    """Not stock, which polls twice a second."""
    python = environments.python("arq")
    return System(
        "arq",
        "poll_delay 0.01 (stock 0.5 limits it to 200 jobs/s), max_jobs 100, no results kept, hiredis, redis-py 5",
        (str(python.parent / "arq"), "arq_app.WorkerSettings"),
        _python(python, "arq"),
        fill=4_000,
    )


def bullmq() -> System | None:
    """Where there is Node."""
    folder = environments.node()
    if folder is None:
        return None
    program = ("node", str(folder / "bull.mjs"))
    return System(
        "bullmq",
        "concurrency 50, finished jobs kept as by ours (1,000)",
        (*program, "work"),
        program,
        at_once=50,
        in_batches=True,
    )


MAIN = {"ours": ours, "dramatiq": dramatiq, "celery": celery, "taskiq": taskiq, "bullmq": bullmq}
HEADLINE = {**MAIN, "rq": rq, "arq": arq}


def chosen(names: list[str]) -> dict[str, System]:
    """Those that can be had here, by name; installs what is missing. Raises KeyError for an unknown name."""
    found = {name: HEADLINE[name]() for name in names}
    return {name: system for name, system in found.items() if system}

"""Job types that write down in the ledger what happens to them."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from functools import cache
from pathlib import Path

from faults.support.ledger import Ledger
from worker.context import JobContext
from worker.failures import Defer
from worker.job_types import IMMEDIATE, Payload, job_type

QUEUE = "faults"
LONGEST_NAP = 0.005


class Work(Payload):
    """`ledger` is its path; the run takes `seconds`; the first `failures` attempts fail."""

    ledger: str
    seconds: float = 0.0
    failures: int = 0
    needs: str = ""
    """A file that stands for a dependency: while it is missing, the dependency is down."""
    dies: str = ""
    """How the process is taken along: kill or segfault."""
    holds: float = 0.0
    """Seconds for which no other Python code of the process runs, as in a C extension that keeps the GIL."""
    holds_once: str = ""
    """A file that the first run makes; later ones hold nothing."""


@cache
def _ledger(path: str) -> Ledger:
    return Ledger(Path(path))


def _run(payload: Work, job: JobContext) -> None:
    ledger = _ledger(payload.ledger)
    ledger.write("begin", job.job_id, token=job.token)
    how = "returned"
    try:
        _live(payload, job)
        ledger.apply_effect(job.idempotency_key, job.job_id, job.token)
    except BaseException as error:
        how = type(error).__name__
        raise
    finally:
        ledger.write("end", job.job_id, token=job.token, how=how)


def _live(payload: Work, job: JobContext) -> None:
    if payload.dies == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if payload.dies == "segfault":
        ctypes.string_at(0)
    if payload.holds and not (payload.holds_once and Path(payload.holds_once).exists()):
        if payload.holds_once:
            Path(payload.holds_once).touch()
        ctypes.PyDLL(None).usleep(round(payload.holds * 1_000_000))  # PyDLL, unlike CDLL, keeps the GIL
    if payload.needs and not Path(payload.needs).exists():
        raise Defer("what it needs is down", seconds=0.5)
    until = time.monotonic() + payload.seconds
    never = threading.Event()  # time.sleep() fails under libfaketime, which takes its deadline for a time of day
    while (left := until - time.monotonic()) > 0:
        never.wait(min(left, LONGEST_NAP))
    if job.attempt <= payload.failures:
        raise RuntimeError("it fails as it was told")


@job_type("work", queue=QUEUE)
def work(payload: Work, job: JobContext) -> None:
    """Settled with others in one call."""
    _run(payload, job)


@job_type("work-now", queue=QUEUE, settling=IMMEDIATE)
def work_now(payload: Work, job: JobContext) -> None:
    """Settled before the thread goes on."""
    _run(payload, job)

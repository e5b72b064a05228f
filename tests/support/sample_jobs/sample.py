"""Job types for tests of the worker process; what they do is seen in a file."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from worker.context import JobContext
from worker.job_types import IMMEDIATE, Payload, job_type

QUEUE = "work"


class Note(Payload):
    path: str
    seconds: float = 0.0


@job_type("note", queue=QUEUE, id_template="note-{path}")
def note(payload: Note, job: JobContext) -> dict[str, int]:
    """Take `seconds`, in Python code, between the lines `begin` and `end`."""
    _write(payload.path, f"begin {job.job_id}")
    until = time.monotonic() + payload.seconds
    while time.monotonic() < until:
        time.sleep(0.005)
    _write(payload.path, f"end {job.job_id}")
    return {"attempt": job.attempt}


@job_type("note-now", queue=QUEUE, settling=IMMEDIATE)
def note_now(payload: Note, job: JobContext) -> None:
    """As note, settled before the thread goes on."""
    note(payload, job)


@job_type("third-time-lucky", queue=QUEUE)
def third_time_lucky(payload: Note, job: JobContext) -> None:
    """Fail twice, in words that quote the payload."""
    if job.attempt < 3:
        raise ValueError(f"cannot write to {payload.path}")


@job_type("die", queue=QUEUE)
def die(payload: Note, job: JobContext) -> None:
    """Take the process along."""
    _write(payload.path, f"begin {job.job_id}")
    os.kill(os.getpid(), signal.SIGKILL)


def _write(path: str, line: str) -> None:
    with Path(path).open("a") as file:  # one short append is atomic
        file.write(f"{time.time():.3f} {os.getpid()} {line}\n")

"""What every peer's app shares: the payload, what a handler does, and the mark it leaves.

A mark is one append of 16 bytes to a file in memory: when the handler ran and the clock it was told (monotonic ns). It
costs each system the same and nothing in the server. A worker is told its file in BENCH_MARKS; it says that it is up by
making `<file>.ready` and waits for the file BENCH_GO, so that two processes begin together.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import Any

SETTINGS = os.environ  # noqa: TID251 - a peer's process has no settings model of ours
URL = SETTINGS["BENCH_URL"]
JOB = SETTINGS.get("BENCH_JOB", "noop")
AT_ONCE = int(SETTINGS.get("BENCH_AT_ONCE", "8"))  # handlers that run at the same time in one process
SLEEP_SECONDS = int(SETTINGS.get("BENCH_SLEEP_MS", "0")) / 1_000
RETRY_MS = 10
TRIES = 3

_file = os.open(SETTINGS["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT) if "BENCH_MARKS" in SETTINGS else -1


class NotYet(Exception):
    """A handler fails, as it was asked to."""


def payload(number: int, at: int = 0) -> dict[str, Any]:
    """A ticket event of about 300 bytes."""
    return {
        "ticketId": f"tkt_{number:021d}",
        "propertyId": f"prp_{number % 997:021d}",
        "createdById": f"usr_{number % 503:021d}",
        "landlordId": f"lnd_{number % 101:021d}",
        "note": "the heating in the second bathroom stays cold, please come between eight and twelve on any weekday",
        "number": number,
        "at": at,
    }


def mark(at: int) -> None:
    """A handler runs."""
    os.write(_file, struct.pack("<QQ", time.monotonic_ns(), at))


def may_fail(number: int, failures: int) -> None:
    """Three of ten jobs fail twice; then they are marked as the others are."""
    if number % 10 < 3 and failures < 2:
        raise NotYet


def begin_together() -> None:
    """Called by a worker once its own modules are loaded; nothing in a process that enqueues."""
    if _file < 0:
        return
    Path(f"{SETTINGS['BENCH_MARKS']}.ready").touch()
    while not Path(SETTINGS["BENCH_GO"]).exists():
        time.sleep(0.005)

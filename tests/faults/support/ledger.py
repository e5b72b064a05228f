"""What happened, written down outside the system under test: one line per event, each appended by one write.

Producers, operators and the handlers in worker processes write the same file (O_APPEND), so that a killed process
leaves everything it did up to its last instruction. Times are the machine's monotonic clock, which all processes share
and which no clock skew touches.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

import orjson


class Ledger:
    """The file at `path` and, beside it, the folder of the effects that handlers had on the world."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.effects = path.with_suffix(".effects")
        self.effects.mkdir(exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, kind: str, job_id: str = "", **fields: Any) -> None:
        """Append one event."""
        event = {"kind": kind, "id": job_id, "at": time.monotonic(), "pid": os.getpid(), **fields}
        os.write(self._file, orjson.dumps(event) + b"\n")

    def apply_effect(self, key: str, job_id: str, token: int) -> bool:
        """Have an effect on the world, once per idempotency key, as a handler should; False when it was had before."""
        effect = os.open(self.effects / key.replace("/", "_"), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(effect, fcntl.LOCK_EX)  # let go by the kernel when its holder is killed
            if os.fstat(effect).st_size:
                return False
            os.write(effect, f"{job_id} {token}\n".encode())
            return True
        finally:
            os.close(effect)

    def forget(self) -> None:
        """Begin again with nothing."""
        os.ftruncate(self._file, 0)
        for effect in self.effects.iterdir():
            effect.unlink()

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)

    def events(self) -> list[dict[str, Any]]:
        """Everything written so far, in the order of writing."""
        return [orjson.loads(line) for line in self.path.read_bytes().splitlines()]

    def effects_had(self) -> list[tuple[str, int]]:
        """(job id, token) of each effect."""
        lines = [line for file in self.effects.iterdir() for line in file.read_text().splitlines()]
        return [(job_id, int(token)) for job_id, token in (line.rsplit(" ", 1) for line in lines)]

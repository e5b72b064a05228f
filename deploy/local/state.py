"""What a running stack leaves in its state folder for other shells: a lock while it runs, and where everything is."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


class AlreadyRunning(Exception):
    """Another supervisor holds this state folder."""


class StateFolder:
    """The folder everything is kept in, `.local` in the checkout."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.logs = self.path / "logs"
        self.keys = self.path / "keys"
        self.credentials = self.path / "credentials.json"
        self.lock = self.path / "lock"
        self.jobsctl = self.path / "jobsctl.toml"
        self._state = self.path / "state.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Own the folder; raises AlreadyRunning. The system frees the lock however the owner ends."""
        with self.lock.open("a+") as lock:
            if not _locked(lock):
                raise AlreadyRunning(f"the stack in {self.path} runs already (process {self.owner()})")
            self._state.unlink(missing_ok=True)  # of an owner that was killed
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                yield
            finally:
                self._state.unlink(missing_ok=True)
                lock.truncate(0)

    def owner(self) -> int | None:
        """Process id of the supervisor that holds the folder; None when nobody does."""
        try:
            with self.lock.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(self.lock.read_text() or 0) or None
        except FileNotFoundError:
            return None
        return None

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Publish where everything is; readers see the old or the new file, never half of one."""
        write_secret(self._state, json.dumps(state, indent=2) + "\n")

    def read_state(self) -> dict[str, Any] | None:
        """What the running stack published; None while it starts or when it does not run."""
        if self.owner() is None:
            return None
        try:
            state: dict[str, Any] = json.loads(self._state.read_text())
        except FileNotFoundError:
            return None
        return state


def _locked(lock: IO[str]) -> bool:
    """Take the lock; a reader in owner() holds it for a moment only, so a refusal is tried again."""
    for _ in range(20):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.01)
    return False


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    scratch.touch(mode=0o600)
    scratch.write_text(text)
    scratch.replace(path)

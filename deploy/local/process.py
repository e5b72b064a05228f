"""One child process: what to run, and starting, watching and stopping it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
LAST_LINES = 12


class ProgramFailed(Exception):
    """A program ended, or did not become ready in time."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        super().__init__(f"{name} {what}; its log {log} ends:\n{tail(log)}")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run and when it counts as ready."""

    name: str
    command: tuple[str, ...]
    folder: Path
    """Working directory."""
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All of it but PATH and the locale; secrets pass through here, so it is never printed."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    ready_seconds: float = 30.0
    nobody_reaches: tuple[Path, ...] | None = None
    """Run as the user nobody, who has to reach these folders; None: run as who starts it."""


class Child:
    """A program's process. Not thread-safe: one supervisor owns it."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program, self.log = program, log
        self.started_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The process's id, also after it ended; None before the first start."""
        return self._process.pid if self._process else None

    @property
    def exit_status(self) -> int | None:
        """None while it runs (or before it started), else its status; negative: the signal that ended it."""
        return self._process.poll() if self._process else None

    @property
    def alive(self) -> bool:
        """It was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C reaches only the supervisor, which stops all in order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._launcher(), *self.program.command],
                cwd=self.program.folder,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", **self.program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        self._asked = False

    def _launcher(self) -> list[str]:
        folders = self.program.nobody_reaches
        user = ["same"] if folders is None else ["nobody", *map(str, folders)]
        death = str(int(self.program.stop_signal))
        return [sys.executable, "-I", "-S", str(LAUNCHER), death, str(os.getpid()), *user, "--"]

    def wait_ready(self) -> None:
        """Return once it answers; raises ProgramFailed when it ended or took longer than `ready_seconds`."""
        deadline = self.started_at + self.program.ready_seconds
        while not self.program.ready():
            if not self.alive:
                raise ProgramFailed(self.name, ended(self.exit_status), self.log)
            if time.monotonic() > deadline:
                raise ProgramFailed(self.name, f"was not ready within {self.program.ready_seconds:.0f} s", self.log)
            time.sleep(0.05)

    def wait(self, seconds: float) -> int:
        """Its exit status once it ended by itself; raises subprocess.TimeoutExpired."""
        if self._process is None:
            raise ValueError(f"{self.name} was not started")
        return self._process.wait(seconds)

    def ask_to_stop(self) -> None:
        """Send its stop signal once and do not wait; a second signal would make our services end at once."""
        if self.alive and not self._asked and self._process is not None:
            self._asked = True
            self._process.send_signal(self.program.stop_signal)

    def stop(self) -> bool:
        """Ask it to stop, kill it after `stop_seconds`; False when it had to be killed. Safe to call again."""
        self.ask_to_stop()
        if self._process is None:
            return True
        try:
            self._process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """End it without a chance to clean up (SIGKILL) and wait for that."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def ended(status: int | None) -> str:
    """An exit status in words."""
    if status is not None and status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def tail(log: Path, lines: int = LAST_LINES) -> str:
    """The last lines of a log, indented."""
    try:
        text = log.read_bytes()[-64_000:].decode(errors="replace")
    except OSError:
        text = ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (it is empty)"

"""What a process does over its life: run loops, wait for a signal, stop in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

import structlog

from service_kit import VERSION
from service_kit.container import end_at_once
from service_kit.settings import SettingsError

log = structlog.get_logger()


class Loop:
    """Calls `tick` again and again on a thread of its own; owns timing, errors and the time of the last success.

    `tick` does one bounded pass and returns how much it did; after a pass that did something the next follows at once.
    `every_seconds` may be a function that is asked after each pass.
    """

    def __init__(self, name: str, tick: Callable[[], int], *, every_seconds: float | Callable[[], float]) -> None:
        self.name, self._tick, self._every = name, tick, every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.last_success = time.monotonic()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Finish the pass that runs, then end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def age_seconds(self) -> float:
        """Seconds since a pass last succeeded; what health looks at."""
        return time.monotonic() - self.last_success

    def _run(self) -> None:
        failing = False
        while not self._stop.is_set():
            done = 0
            try:
                done = self._tick()
                self.last_success = time.monotonic()
                failing = False
            except Exception as error:  # a loop must outlive whatever one pass meets
                # Said once with its traceback; an outage must not fill the logs.
                log.warning("loop_failed", loop=self.name, error=str(error), exc_info=None if failing else error)
                failing = True
            if not done:
                self._stop.wait(self._every() if callable(self._every) else self._every)


def wait_for_stop_signal() -> int:
    """Block the main thread until SIGTERM or SIGINT; returns its number. A second signal ends the process at once."""
    # A pipe, because a handler that takes a lock (an Event has one) could interrupt its own thread holding it.
    read_end, write_end = os.pipe()

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, end_at_once if os.getpid() == 1 else signal.SIG_DFL)
        os.write(write_end, bytes([number]))

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return os.read(read_end, 1)[0]


def answer_version(program: str) -> None:
    """End the process with its version when the only argument asks for it."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"{program} {VERSION}\n")
        sys.exit(0)


def exit_with(problem: Exception) -> NoReturn:
    """End a process that cannot start with one clear line per problem."""
    kind = "settings" if isinstance(problem, SettingsError) else "start-up"
    for line in str(problem).splitlines() or [type(problem).__name__]:
        sys.stderr.write(f"{kind}: {line}\n")
    sys.exit(2)

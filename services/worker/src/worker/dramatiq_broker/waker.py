"""Wakes an idle consumer when its queue gets a job, by a blocking read on a connection of its own."""

from __future__ import annotations

import threading
import time

from queue_engine.domain.errors import QueueEngineError
from queue_engine.engine import QueueEngine
from worker.dramatiq_broker.desk import Desk

BLOCK_SECONDS = 1.0
AGAIN_SECONDS = 0.5


class Waker:
    """Waits for the marker while armed. Its thread begins with the first `arm`."""

    def __init__(self, engine: QueueEngine, desk: Desk) -> None:
        self._engine, self._desk = engine, desk
        self._armed = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def arm(self) -> None:
        """The consumer found nothing: wake it at the next marker."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"waker-{self._desk.queue}", daemon=True)
            self._thread.start()
        self._armed.set()

    def stop(self) -> None:
        """End within a second or so."""
        self._stopped = True
        self._armed.set()

    def _run(self) -> None:
        while not self._stopped:
            self._armed.wait()
            if self._stopped:
                return
            try:
                woken = self._engine.wait_for_work(self._desk.queue, timeout_seconds=BLOCK_SECONDS)
            except QueueEngineError:
                time.sleep(AGAIN_SECONDS)
                continue
            if woken:
                self._armed.clear()
                self._desk.wake()

"""The one place that raises in worker threads: timeout, cancel, lost lease, shutdown.

An asynchronous exception that lands outside its job kills the worker thread without a word. So each is raised only
while (thread, job) is armed, at most one per job, under one lock; disarming clears what is still on its way under the
same lock.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from dramatiq.middleware import Interrupt, TimeLimitExceeded, raise_thread_exception

from service_kit.lifecycle import Loop
from worker.dramatiq_broker.job import Job

log = structlog.get_logger()
PRECISION = 0.1  # seconds between looks at the deadlines


class Cancelled(Interrupt):
    """The job's cancel was asked for."""


class LeaseLost(Interrupt):
    """Somebody else may run the job by now: its lease has expired."""


class Interrupter:
    """Interrupts the handlers of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: dict[int, Job] = {}
        """By thread. A thread puts in its own job, and takes it out under the lock: who holds the lock and sees one may
        raise in that thread.
        """
        self.loop = Loop("interrupter", self.tick, every_seconds=PRECISION)
        """Looks at the deadlines."""

    def arm(self, job: Job, *, seconds: float) -> None:
        """From now on the calling thread may be interrupted for `job`, after `seconds` at the latest."""
        job.deadline = time.monotonic() + seconds
        self._armed[threading.get_ident()] = job

    def disarm(self) -> None:
        """The calling thread's job is over; nothing can reach the thread any more when this returns.

        What was raised before lands inside, as the job's own exception.
        """
        thread = threading.get_ident()
        with self._lock:
            job = self._armed.pop(thread, None)
            if job is not None and job.interrupted:
                _clear_pending(thread)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Let the calling thread talk to the store undisturbed; an interrupt that comes meanwhile lands right after.

        Landing between a request and its reply, it would leave the reply to whoever uses the connection next.
        """
        job = self._armed.get(threading.get_ident())
        if job is None or job.shielded:
            yield
            return
        with self._lock:
            job.shielded = True
        try:
            yield
        finally:
            with self._lock:
                job.shielded = False
                pending, job.pending_interrupt = job.pending_interrupt, None
            if pending is not None:
                raise pending

    def interrupt(self, job: Job, reason: type[Interrupt]) -> bool:
        """Raise `reason` in the thread that runs `job`; False when none does or it was interrupted before."""
        with self._lock:
            for thread, armed in list(self._armed.items()):
                if armed is job:
                    return self._fire(thread, job, reason)
        return False

    def interrupt_all(self, reason: type[Interrupt]) -> int:
        """Raise `reason` in every thread that runs a job; returns how many."""
        with self._lock:
            return sum(self._fire(thread, job, reason) for thread, job in list(self._armed.items()))

    def tick(self) -> int:
        """Interrupt the jobs that are past their deadline; returns how many."""
        now = time.monotonic()
        with self._lock:
            late = [(thread, job) for thread, job in list(self._armed.items()) if job.deadline <= now]
            return sum(self._fire(thread, job, TimeLimitExceeded) for thread, job in late)

    def _fire(self, thread: int, job: Job, reason: type[Interrupt]) -> bool:
        if job.interrupted:
            return False
        job.interrupted = True
        if job.shielded:
            job.pending_interrupt = reason
        else:
            raise_thread_exception(thread, reason)
        log.info("job_interrupted", job_id=job.message_id, queue=job.queue_name, reason=reason.__name__)
        return True


class _Cleared(BaseException):
    """Takes the place of an interrupt that came too late."""


def _clear_pending(own_thread: int) -> None:
    """Let nothing that was raised in the calling thread land any more.

    Setting the exception to None would do, but CPython (3.11 and 3.12 at least) then never takes back its mark that
    something is pending: every call in the process gets slower, and a traced one hangs. Taking an exception does.
    """
    try:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(own_thread), ctypes.py_object(_Cleared))
        while True:
            pass
    except _Cleared:
        return

"""Takes jobs of one queue for Dramatiq's consumer thread. Never raises: an outage of the store is waited out here."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog
from dramatiq import Consumer, MessageProxy

from queue_engine.domain.errors import QueueEngineError
from queue_engine.domain.job import FailureKind
from queue_engine.domain.lease import Deferred, Failed, Lease
from worker.dramatiq_broker.codec import read_call
from worker.dramatiq_broker.desk import BATCH, Desk
from worker.dramatiq_broker.job import NOBODY, Job
from worker.dramatiq_broker.waker import Waker

if TYPE_CHECKING:
    from worker.dramatiq_broker.broker import JobBroker

log = structlog.get_logger()
LINGER = 0.002  # seconds a few outcomes wait for more
LOOK_AGAIN = 0.02  # seconds between looks for room that another queue's jobs take
UNKNOWN_DELAY_MS, UNKNOWN_MAX_AGE_MS = 5_000, 15 * 60_000
SHORTEST_OUTAGE, LONGEST_OUTAGE = 0.05, 1.0


class JobConsumer(Consumer):
    """An iterator over the jobs this process may run; None when there was none for `timeout` seconds."""

    def __init__(self, broker: JobBroker, desk: Desk, *, timeout: float) -> None:
        self._broker, self._desk, self._timeout = broker, desk, timeout
        self._roster = broker.roster
        self._ready: deque[Job] = deque()
        self._outage = 0.0
        self._closed = False
        self._waker = Waker(broker.engine, desk)

    # -- worker threads

    def ack(self, message: MessageProxy) -> None:
        """The job's outcome stands; no I/O unless it settles immediately."""
        self._finish(message)

    def nack(self, message: MessageProxy) -> None:
        """As ack: the outcome says what happened."""
        self._finish(message)

    def _finish(self, job: Any) -> None:
        self._desk.finish(job)

    # -- the consumer thread

    def __next__(self) -> MessageProxy | None:
        return self._next_ready() or self._next_taken()

    def _next_taken(self) -> Job | None:
        self._broker.turned(self._desk.queue)
        until = time.monotonic() + self._timeout
        while not self._closed and time.monotonic() < until:
            if not self._take():
                self._rest(until)
            job = self._next_ready()
            if job is not None:
                return job
        return None

    def _next_ready(self) -> Job | None:
        while self._ready:
            job = self._ready.popleft()
            if not job.recalled:
                return job
        return self._suspect_alone()

    def _suspect_alone(self) -> Job | None:
        """A suspect may kill the process: it begins when nothing else is held here, finished work told included."""
        suspects, queue = self._roster.suspects, self._desk.queue
        suspect = suspects.get(queue)
        if suspect is None or suspect.began_at or suspect.outcome or id(suspect) in self._roster.waiting:
            return None
        if self._roster.draining or queue != min(suspects, default=queue):  # one of two: each would wait for the other
            self._release_suspect()
            return None
        if self._broker.held() > 1:
            return None
        suspect.taken_at = time.monotonic()
        self._roster.add(suspect)
        return suspect

    def _take(self) -> bool:
        """One call, when there is reason for one; False when nothing came of it."""
        desk = self._desk
        self._gather()
        desk.woken = False
        room = self._roster.room(desk.queue)
        if not room and not desk.outcomes:
            return False
        asked_at = time.monotonic()
        try:
            leases = desk.exchange(room)
        except Exception as error:  # noqa: BLE001 - the consumer must outlive whatever one call meets
            self._wait_out(error)
            return True
        self._outage = 0.0
        self._roster.asked(time.monotonic() - asked_at)
        if room:
            self._broker.fetched(desk.queue)
        now = time.monotonic()
        for lease in leases:
            self._accept(lease, asked_at, now)
        if len(leases) < room:
            self._roster.sated(desk.queue)
        return bool(leases or desk.outcomes) or bool(self._roster.suspects)

    def _gather(self) -> None:
        """Let a few outcomes become a batch, unless they are all there is."""
        desk = self._desk
        waiting = len(desk.outcomes)
        if 0 < waiting < BATCH and waiting < len(desk.held) and not desk.woken:
            with desk.changed:
                if len(desk.outcomes) < BATCH:
                    desk.changed.wait(LINGER)

    def _rest(self, until: float) -> None:
        """Sleep until an outcome, a wake-up, the next delayed job or the timeout."""
        desk = self._desk
        seconds = until - time.monotonic()
        if self._roster.room(desk.queue):
            self._waker.arm()
            if desk.next_due_ms is not None and not desk.paused:
                seconds = min(seconds, desk.next_due_ms / 1000 + 0.001)
        elif self._broker.is_shared():
            seconds = min(seconds, LOOK_AGAIN)
        with desk.changed:
            desk.asleep = True
            if not desk.woken and not desk.outcomes and seconds > 0:
                desk.changed.wait(seconds)
            desk.asleep = desk.woken = False

    def _wait_out(self, error: Exception) -> None:
        if not self._outage:
            known = isinstance(error, QueueEngineError)
            log.warning("store_away", queue=self._desk.queue, error=str(error), exc_info=None if known else error)
        self._outage = min(max(self._outage * 2, SHORTEST_OUTAGE), LONGEST_OUTAGE)
        time.sleep(self._outage * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing

    def _accept(self, lease: Lease, asked_at: float, now: float) -> None:
        desk = self._desk
        try:
            call = read_call(lease)
        except (ValueError, KeyError, TypeError) as error:
            reason = f"the data cannot be read: {error}"
            desk.refuse(_unreadable(lease, now), Failed(reason, type(error).__name__, "", FailureKind.PAYLOAD_INVALID))
            return
        callee = self._broker.callees.get(lease.name, NOBODY)
        job = Job(lease, call, callee, now)
        job.renewed_at = asked_at  # the lease may be as old as the question
        if callee is NOBODY:
            reason = f"no worker here knows the job type {lease.name!r}"
            kind = FailureKind.ACTOR_UNKNOWN
            desk.refuse(job, Deferred(reason, UNKNOWN_DELAY_MS, kind, max_age_ms=UNKNOWN_MAX_AGE_MS))
            return
        desk.held[lease.token] = job
        if lease.suspect:
            self._roster.suspects[desk.queue] = job
            return
        self._roster.add(job)
        self._ready.append(job)
        if self._roster.draining:  # it began to while the call was under way
            desk.release(job)

    def _release_suspect(self) -> None:
        suspect = self._roster.suspects.get(self._desk.queue)
        if suspect is not None and not suspect.began_at and suspect.outcome is None:
            self._roster.add(suspect)
            self._desk.release(suspect)

    # -- shutdown

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give back what never began."""
        jobs: Iterable[Any] = messages
        for job in jobs:
            self._desk.release(job)

    def close(self) -> None:
        """Give back all that has not begun and tell every outcome; what cannot be told waits for its lease."""
        self._closed = True
        self._waker.stop()
        for job in list(self._ready):
            self._desk.release(job)
        self._ready.clear()
        self._release_suspect()
        self._roster.sated(self._desk.queue)
        try:
            while self._desk.outcomes:
                self._desk.exchange(0)
        except QueueEngineError as error:
            log.warning(
                "outcomes_left_to_their_lease", queue=self._desk.queue, jobs=len(self._desk.outcomes), error=str(error)
            )


def _unreadable(lease: Lease, now: float) -> Job:
    return Job(lease, ((), {}, {}), NOBODY, now)

"""Dramatiq's Broker over the queue engine. Uses Dramatiq's public classes only."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from dramatiq import Actor, Message
from dramatiq.errors import ConnectionClosed, QueueJoinTimeout, QueueNotFound
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, Middleware, Pipelines, Shutdown

from queue_engine.domain import errors
from queue_engine.domain.audit import Action
from queue_engine.domain.bulk import JobFilter
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Deferred
from queue_engine.domain.trace import carrying
from queue_engine.engine import QueueEngine
from service_kit import tracing
from worker.dramatiq_broker.attempts import Attempts
from worker.dramatiq_broker.codec import to_new_job
from worker.dramatiq_broker.consumer import JobConsumer
from worker.dramatiq_broker.desk import Desk
from worker.dramatiq_broker.heartbeat import Heartbeat
from worker.dramatiq_broker.hooks import LeanBroker
from worker.dramatiq_broker.interrupter import Interrupter
from worker.dramatiq_broker.job import Callee, Job
from worker.dramatiq_broker.lifecycle import Lifecycle
from worker.dramatiq_broker.metrics import WorkerMetrics
from worker.dramatiq_broker.roster import Roster
from worker.dramatiq_broker.tracing import Tracing

STORE_AWAY_MS = 2_000
FINISHED = (JobState.WAITING, JobState.DELAYED, JobState.COMPLETED, JobState.FAILED)


def default_middleware() -> list[Middleware]:
    """Dramatiq's own that go with the broker's Lifecycle and Attempts, which stand around them."""
    return [AgeLimit(), CurrentMessage(), Callbacks(), Pipelines()]


class JobBroker(LeanBroker):
    """Sends messages as jobs and hands jobs out as messages; one per process, for one Worker of `threads` threads."""

    def __init__(
        self,
        engine: QueueEngine,
        *,
        worker_id: str = "",
        threads: int = 8,
        lease_ms: int = 30_000,
        middleware: Sequence[Middleware] | None = None,
        metrics: WorkerMetrics | None = None,
    ) -> None:
        self.engine = engine
        self.worker_id = worker_id or uuid.uuid4().hex
        self.roster = Roster(threads)
        self.desks: dict[str, Desk] = {}
        self.turned_at: dict[str, float] = {}
        """When each consumer's loop last went round (monotonic seconds)."""
        self.fetched_at: dict[str, float] = {}
        """When the store last answered each consumer's take (monotonic seconds)."""
        self._lease_ms, self._metrics = lease_ms, metrics
        if metrics:
            metrics.watch(self.roster, self.fetched_at)
        self.interrupter = Interrupter()
        self.heartbeat = Heartbeat(
            engine,
            self.desks,
            worker=self.worker_id,
            lease_ms=lease_ms,
            roster=self.roster,
            interrupter=self.interrupter,
        )
        self._started = False
        self._priorities: dict[str, int] = {}
        self.callees: dict[str, Callee] = {}
        """By the actor's name, which is the job type's."""
        inner = default_middleware() if middleware is None else middleware
        lifecycle = Lifecycle(self.roster, self.interrupter, lease_ms=lease_ms)
        traced = [Tracing()] if tracing.is_tracing() else []
        super().__init__(middleware=[lifecycle, *traced, *inner, Attempts()])
        self.queues = self.desks

    # -- Dramatiq's side

    def declare_queue(self, queue_name: str) -> None:
        """Make the queue known here. Safe to call twice."""
        if queue_name in self.desks:
            return
        self.emit_before("declare_queue", queue_name)
        self.roster.lost_leases.setdefault(queue_name, 0)
        self.desks[queue_name] = Desk(
            self.engine,
            queue_name,
            worker=self.worker_id,
            lease_ms=self._lease_ms,
            roster=self.roster,
            observe=self._metrics.observe if self._metrics else _unobserved,
        )
        self.emit_after("declare_queue", queue_name)

    def declare_actor(self, actor: Actor[..., Any]) -> None:
        """Declare an actor; its priority becomes the one its jobs are enqueued with."""
        self._priorities[actor.actor_name] = actor.priority
        # One queue in memory serves all queues of the process: priorities there would let one starve the others.
        actor.priority = 0
        super().declare_actor(actor)
        # Calling a plain actor writes its arguments to the log, and payloads do not belong there.
        function = actor.fn if type(actor).__call__ is Actor.__call__ else actor
        self.callees[actor.actor_name] = Callee(function, has_options=bool(actor.options), immediate=False)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Enqueue a message as a job; a known id with the same content is left as it is. `delay` is in ms.

        Raises ConnectionClosed when the store is away, and the engine's IdConflict, StoreFull and InvalidArgument.
        """
        self.declare_queue(message.queue_name)
        self.emit_before("enqueue", message, delay)
        job = to_new_job(
            message,
            actor=self.actors.get(message.actor_name),
            priority=self._priorities.get(message.actor_name, 0),
            delay_ms=delay,
        )
        try:
            with self.interrupter.shielded(), tracing.sending(message.queue_name, job.job_id):
                self.engine.enqueue_job(message.queue_name, carrying(job, tracing.carrier()))
        except errors.QueueEngineError as error:
            self._could_not_follow(error)
            if isinstance(error, errors.StoreUnavailable):
                raise ConnectionClosed(error) from error
            raise
        self.emit_after("enqueue", message, delay)
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30_000) -> JobConsumer:
        """An iterator over the queue's jobs. How many it holds follows from recent durations, not from `prefetch`."""
        desk = self.desks.get(queue_name)
        if desk is None:
            raise QueueNotFound(queue_name)
        self.turned(queue_name)
        return JobConsumer(self, desk, timeout=timeout / 1000)

    def join(self, queue_name: str, *, interval: int = 50, timeout: int | None = None) -> None:
        """Wait until no job of the queue waits, runs or is delayed; raises QueueJoinTimeout after `timeout` ms."""
        until = None if timeout is None else time.monotonic() + timeout / 1000
        while self._unfinished(queue_name):
            if until is not None and time.monotonic() > until:
                raise QueueJoinTimeout(f"the queue {queue_name} still has jobs")
            time.sleep(interval / 1000)

    def flush(self, queue_name: str) -> None:
        """Remove every job of the queue that does not run."""
        for state in FINISHED:
            action = Action(event_id=uuid.uuid4().hex, actor="dramatiq", reason="flush")
            try:
                while self.engine.remove_jobs(queue_name, JobFilter(state=state), action=action).done:
                    pass
            except errors.QueueNotFound:
                return

    def flush_all(self) -> None:
        """Flush every declared queue."""
        for queue_name in list(self.desks):
            self.flush(queue_name)

    def close(self) -> None:
        """End what `start_loops` began, for good; the engine stays open, it belongs to who made it."""
        if self._started:
            self.heartbeat.loop.stop()
            self.interrupter.loop.stop()

    # -- our side

    def start_loops(self) -> None:
        """Keep leases and watch deadlines from now on; called when a Worker boots."""
        self._started = True
        self.interrupter.loop.start()
        self.heartbeat.loop.start()

    def settle_immediately(self, actor_name: str) -> None:
        """Outcomes of this declared actor's jobs are stored before their thread goes on. Raises KeyError."""
        self.callees[actor_name] = self.callees[actor_name]._replace(immediate=True)

    def drain(self) -> bool:
        """Take no more jobs and give back what has not begun; False when it was draining already."""
        if self.roster.draining:
            return False
        self.roster.draining = True
        for job in list(self.roster.waiting.values()):
            self.desks[job.queue_name].release(job)
        for desk in list(self.desks.values()):
            desk.wake()
        return True

    def resume(self) -> bool:
        """Take jobs again; False when it was not draining."""
        if not self.roster.draining:
            return False
        self.roster.draining = False
        for desk in list(self.desks.values()):
            desk.wake()
        return True

    def interrupt_all(self) -> int:
        """Interrupt every running handler for shutdown: its job is given back once it really stopped."""
        return self.interrupter.interrupt_all(Shutdown)

    def held(self) -> int:
        """Leases held here, told outcomes not among them."""
        return sum(len(desk.held) for desk in self.desks.values())

    def is_shared(self) -> bool:
        """More than one queue is consumed here."""
        return len(self.turned_at) > 1

    def turned(self, queue_name: str) -> None:
        """The queue's consumer loop went round."""
        self.turned_at[queue_name] = time.monotonic()

    def fetched(self, queue_name: str) -> None:
        """The store answered a take."""
        self.fetched_at[queue_name] = time.monotonic()

    def shielded(self) -> AbstractContextManager[None]:
        """For handlers that talk to the store: see Interrupter.shielded."""
        return self.interrupter.shielded()

    def _could_not_follow(self, error: errors.QueueEngineError) -> None:
        """A middleware (a pipeline, a callback) could not enqueue what follows a finished job, and Dramatiq swallows
        that: the job must not count as done.
        """
        job = self.roster.current()
        if job is not None and job.returned and not isinstance(error, errors.IdConflict | errors.InvalidArgument):
            job.outcome = Deferred(f"what follows could not be enqueued: {error}", STORE_AWAY_MS)

    def _unfinished(self, queue_name: str) -> int:
        try:
            counts = self.engine.count_jobs(queue_name)
        except errors.QueueNotFound:
            return 0
        return counts.waiting + counts.active + counts.delayed


def _unobserved(_jobs: Sequence[Job]) -> None:
    """Nobody measures."""

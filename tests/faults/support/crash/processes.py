"""The processes of the system, turned by hand: their own code, in an order that the scenario decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import PriorityQueue
from typing import Any

from dramatiq.worker import ConsumerThread, WorkerThread

from engine.builders import LEASE_MS
from faults.support.crash.errands import QUEUE
from faults.support.crash.transport import Broken, HarmedStore, Plan
from jobqueue.audit.v1 import audit_service_pb2 as audit_pb
from queue_admin.loops.audit_shipper import AuditShipper
from queue_admin.loops.pruner import Pruner
from queue_admin.loops.reaper import Reaper
from queue_engine.domain.errors import QueueEngineError
from queue_engine.domain.job import Retention
from queue_engine.engine import QueueEngine
from service_kit.errors import ServiceError
from worker.actors import declare_actors
from worker.dramatiq_broker.broker import JobBroker
from worker.job_types import Handler, by_name

RETENTION = Retention(completed_count=14)
MOST_TURNS = 30


class WorkerByHand:
    """A worker process without its threads: the broker, Dramatiq's consumer and its worker, called one by one."""

    def __init__(self, actor: str, name: str, url: str, plan: Plan, handlers: Sequence[Handler]) -> None:
        self._store = HarmedStore(url, actor, plan)
        self.broker = JobBroker(
            QueueEngine(self._store, retention=RETENTION), worker_id=name, threads=4, lease_ms=LEASE_MS
        )
        declare_actors(self.broker, handlers, {}, job_types=by_name(handlers))
        self._work: PriorityQueue[Any] = PriorityQueue()
        self._consumer = ConsumerThread(
            broker=self.broker, queue_name=QUEUE, prefetch=2, work_queue=self._work, worker_timeout=1
        )
        self._consumer.consumer = self._jobs = self.broker.consume(QUEUE, timeout=1)
        self._thread = WorkerThread(
            broker=self.broker, consumers={QUEUE: self._consumer}, work_queue=self._work, worker_timeout=1
        )
        self.broker.emit_after("worker_thread_boot", self._thread)

    def take(self) -> int:
        """Tell what is done and take jobs, as often as that brings any; how many it took."""
        taken = 0
        while (message := next(self._jobs)) is not None:
            self._consumer.handle_message(message)
            taken += 1
        return taken

    def run(self) -> None:
        """Run what was taken."""
        while not self._work.empty():
            self._thread.process_message(self._work.get().message)

    def turn(self) -> None:
        """Take and run until there is nothing to take and nothing to tell."""
        for _ in range(MOST_TURNS):
            taken = self.take()
            self.run()
            if not taken and not self.broker.desks[QUEUE].outcomes:
                return

    def beat(self, *, renew: bool = False) -> None:
        """The heartbeat's next look."""
        if renew:
            self.broker.heartbeat._renew_at = 0.0
        self.broker.heartbeat.tick()

    def close(self) -> None:
        """As at the end of a SIGTERM."""
        self.broker.drain()
        self.run()
        self._consumer.close()
        self.broker.close()
        self.die()

    def die(self) -> None:
        """Everything it knew is gone."""
        self._jobs._waker.stop()
        self._store.close()


class AuditLog:
    """Keeps records once per event id, as the audit service does."""

    def __init__(self) -> None:
        self.entries: dict[str, audit_pb.NewEntry] = {}
        self.conflicts: list[str] = []

    @property
    def audited(self) -> list[tuple[str, str]]:
        """(action, job id) of each record."""
        return [
            (audit_pb.AuditAction.Name(entry.action).removeprefix("AUDIT_ACTION_").lower(), entry.job_id)
            for entry in self.entries.values()
        ]

    def append(self, request: audit_pb.AppendEntriesRequest) -> None:
        for entry in request.entries:
            known = self.entries.setdefault(entry.event_id, entry)
            if known != entry:
                self.conflicts.append(f"two records of {entry.job_id}")


class Loops:
    """The loops of a queue-admin process, each turned by its own tick."""

    def __init__(self, url: str, plan: Plan, audit: AuditLog, clock: Callable[[], float]) -> None:
        self._store = HarmedStore(url, "loops", plan)
        engine = QueueEngine(self._store, retention=RETENTION)

        def append(request: audit_pb.AppendEntriesRequest, *, timeout: float) -> None:
            plan.carry("loops", "AppendEntries", lambda: audit.append(request), broken=lambda _: Broken())

        self._reaper, self._pruner = Reaper(engine), Pruner(engine)
        self._shipper = AuditShipper(engine, append, shipper="queue-admin-1", clock=clock)

    def reap(self) -> None:
        _tick(self._reaper.tick)

    def prune(self) -> None:
        _tick(self._pruner.tick)

    def ship(self) -> None:
        _tick(self._shipper.tick)

    def close(self) -> None:
        self._store.close()


def _tick(tick: Callable[[], int]) -> None:
    """As the runner of the loops does it: what fails is tried again at the next tick."""
    with suppress(QueueEngineError, ServiceError):
        tick()

"""Jobs, actions and a simulated worker for the engine's tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import redis

from queue_engine.domain.audit import Action
from queue_engine.domain.job import FailureKind, JobState, NewJob
from queue_engine.domain.lease import Completed, Failed, Lease, Outcome, Report, Settled, Verdict
from queue_engine.engine import QueueEngine

QUEUE = "tickets"
LEASE_MS = 30_000

_events = count()


def a_job(job_id: str = "job-1", **fields: Any) -> NewJob:
    return NewJob(**{"job_id": job_id, "name": "ticket.created", "data": b'{"ticketId":1}', **fields})


def an_action(reason: str = "", event_id: str | None = None) -> Action:
    return Action(event_id or f"event-{next(_events)}", "ops@local", "https://issuer", "token-1", reason)


def a_failure(reason: str = "boom", *, retry_delay_ms: int | None = 0) -> Failed:
    return Failed(reason, "ValueError", "Traceback: boom", FailureKind.EXCEPTION, retry_delay_ms)


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process does with the engine."""

    engine: QueueEngine
    name: str = "worker-1"
    queue: str = QUEUE

    def settle(self, reports: Sequence[Report] = (), *, want: int = 0) -> Settled:
        return self.engine.settle_jobs(self.queue, reports, worker=self.name, want=want, lease_ms=LEASE_MS)

    def take(self, want: int = 10) -> tuple[Lease, ...]:
        return self.settle(want=want).leases

    def take_one(self) -> Lease:
        (lease,) = self.take(1)
        return lease

    def report(self, lease: Lease, outcome: Outcome) -> Verdict:
        (verdict,) = self.settle([Report(lease, outcome)]).verdicts
        return verdict

    def complete(self, lease: Lease) -> Verdict:
        return self.report(lease, Completed(b'"done"'))

    def run(self, outcome: Outcome) -> Lease:
        """Take one job and report the outcome for it."""
        lease = self.take_one()
        assert self.report(lease, outcome) is Verdict.SETTLED
        return lease


@dataclass(frozen=True, slots=True)
class Clock:
    """Lets time pass for one job by moving its place in an index into the past."""

    client: redis.Redis
    queue: str = QUEUE

    def expire_lease(self, job_id: str) -> None:
        assert self.client.zadd(f"jobs:{{{self.queue}}}:active", {job_id: 1}, xx=True, ch=True)

    def make_due(self, job_id: str) -> None:
        assert self.client.zadd(f"jobs:{{{self.queue}}}:delayed", {job_id: 1}, xx=True, ch=True)


def state_of(engine: QueueEngine, job_id: str, queue: str = QUEUE) -> JobState:
    return engine.get_job(queue, job_id).job.state


def ids_of(leases: Sequence[Lease]) -> list[str]:
    return [lease.job_id for lease in leases]


def assert_balanced(engine: QueueEngine, queue: str = QUEUE) -> None:
    """Every job ever added is in one state or was removed or pruned."""
    counts = engine.count_jobs(queue)
    there = counts.waiting + counts.active + counts.delayed + counts.completed + counts.failed
    assert counts.totals["added"] == there + counts.totals["removed"] + counts.totals["pruned"]

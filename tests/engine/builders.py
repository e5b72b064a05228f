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
        (verdict,) = self.settle([(lease, outcome)]).verdicts
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
    accepted = counts.totals["added"] + counts.totals["adjusted"]
    assert accepted == there + counts.totals["removed"] + counts.totals["pruned"]


INDEX_STATES = {
    "waiting": "waiting", "suspects": "waiting", "active": "active", "delayed": "delayed", "completed": "completed",
    "failed": "failed", "dead": "failed", "cancelled": "failed",
}  # fmt: skip


def keys_of(client: redis.Redis, pattern: str) -> list[str]:
    return [key.decode() if isinstance(key, bytes) else key for key in client.keys(pattern)]


def assert_consistent(client: redis.Redis, queue: str = QUEUE) -> None:
    """Every index entry is a job in that state, every job is in one state's index, nothing is left of others."""
    prefix = f"jobs:{{{queue}}}:"
    keys = keys_of(client, f"{prefix}*")
    ids = {kind: [key[len(prefix) + 2 :] for key in keys if key.startswith(f"{prefix}{kind}:")] for kind in "jalc"}
    with client.pipeline(transaction=False) as pipeline:
        for job_id in ids["j"]:
            pipeline.hget(f"{prefix}j:{job_id}", "s")
        for index in INDEX_STATES:
            pipeline.zrange(f"{prefix}{index}", 0, -1)
        replies = pipeline.execute()
    states = dict(zip(ids["j"], replies, strict=False))
    members = dict(zip(INDEX_STATES, replies[len(ids["j"]) :], strict=True))
    entries = {index: [member.decode() for member in found] for index, found in members.items()}
    for index, state in INDEX_STATES.items():
        assert {job_id: states.get(job_id) for job_id in entries[index]} == dict.fromkeys(
            entries[index], state.encode()
        )
    indexed = [job_id for index in entries if index not in ("dead", "cancelled") for job_id in entries[index]]
    assert sorted(indexed) == sorted(states)
    assert sorted(entries["dead"] + entries["cancelled"]) == sorted(entries["failed"])
    assert set(ids["a"]) | set(ids["l"]) | set(ids["c"]) <= set(states)
    assert_grouped(client, prefix, entries["dead"], entries["cancelled"])


def assert_grouped(client: redis.Redis, prefix: str, dead: list[str], cancelled: list[str]) -> None:
    """Every failed job is in the one error group it names, groups know their size, and no group is empty."""
    ranked: list[Any] = client.zrange(f"{prefix}groups", 0, -1, withscores=True)
    sizes = {group.decode(): int(size) for group, size in ranked}
    members: dict[str, list[Any]] = {group: client.zrange(f"{prefix}g:{group}", 0, -1) for group in sizes}
    groups = {group: [member.decode() for member in found] for group, found in members.items()}
    about: Any = client.hkeys(f"{prefix}groups:about")
    assert {group: len(found) for group, found in groups.items()} == sizes
    assert sorted(keys_of(client, f"{prefix}g:*")) == sorted(f"{prefix}g:{group}" for group in groups)
    assert {group.decode() for group in about} == set(groups)
    for letter, failed in (("d", dead), ("c", cancelled)):
        named = {job_id: client.hget(f"{prefix}j:{job_id}", "g") for job_id in failed}
        grouped = {job_id: group.encode() for group in groups if group[0] == letter for job_id in groups[group]}
        assert grouped == named
    assert sum(sizes.values()) == len(dead) + len(cancelled)

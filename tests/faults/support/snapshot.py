"""What the store holds at rest, read key by key and not through the engine whose word is to be judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
import redis

STATE_INDEXES = {
    "waiting": "waiting", "suspects": "waiting", "active": "active", "delayed": "delayed", "completed": "completed",
    "failed": "failed",
}  # fmt: skip
SUB_INDEXES = ("dead", "cancelled")


@dataclass(slots=True)
class StoredJob:
    """A job's hash."""

    state: str
    deliveries: int = 0
    lost: int = 0
    """Leases of it that ended without a word, by its own records."""
    attempts_made: int = 0


@dataclass(slots=True)
class Snapshot:
    """One queue."""

    jobs: dict[str, StoredJob] = field(default_factory=dict)
    indexes: dict[str, set[str]] = field(default_factory=dict)
    remembered: dict[str, str] = field(default_factory=dict)
    """Pruned jobs by what their tombstones say they were."""
    totals: dict[str, int] = field(default_factory=dict)
    leftovers: set[str] = field(default_factory=set)
    """Jobs that are gone but left attempts or logs behind."""
    audited: list[tuple[str, str]] = field(default_factory=list)
    """(action, job id) of the records still in the store's audit stream."""

    def states_of(self, job_id: str) -> list[str]:
        """The states whose indexes hold the job."""
        return [state for index, state in STATE_INDEXES.items() if job_id in self.indexes.get(index, ())]

    def only(self, ids: Iterable[str]) -> Snapshot:
        """The same without other tests' jobs; counters count all jobs, so they are left out."""
        mine = set(ids)
        return Snapshot(
            jobs={job_id: job for job_id, job in self.jobs.items() if job_id in mine},
            indexes={index: members & mine for index, members in self.indexes.items()},
            remembered={job_id: state for job_id, state in self.remembered.items() if job_id in mine},
            leftovers=self.leftovers & mine,
        )


def take_snapshot(url: str, queue: str) -> Snapshot:
    """Read a queue; meant for one that is at rest."""
    prefix = f"jobs:{{{queue}}}:"
    with redis.Redis.from_url(url, decode_responses=True, encoding_errors="replace") as client:
        names: dict[str, list[str]] = defaultdict(list)
        for key in client.scan_iter(f"{prefix}*", count=1000):
            kind, colon, job_id = key[len(prefix) :].partition(":")
            if colon:
                names[kind].append(job_id)
        snapshot = Snapshot(jobs=_jobs(client, prefix, names["j"]))
        for index in (*STATE_INDEXES, *SUB_INDEXES):
            snapshot.indexes[index] = set(client.zrange(prefix + index, 0, -1))
        for job_id in names["t"]:
            snapshot.remembered[job_id] = str(client.get(f"{prefix}t:{job_id}") or "").partition(" ")[0]
        _count_lost(client, prefix, names["a"], snapshot.jobs)
        meta = client.hgetall(prefix + "meta")
        snapshot.totals = {name[2:]: int(value) for name, value in meta.items() if name.startswith("n:")}
        snapshot.leftovers = (set(names["a"]) | set(names["l"])) - set(snapshot.jobs)
        snapshot.audited = [(entry["action"], entry["job"]) for _, entry in client.xrange(prefix + "audit")]
    return snapshot


def _jobs(client: redis.Redis, prefix: str, ids: list[str]) -> dict[str, StoredJob]:
    with client.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hmget(f"{prefix}j:{job_id}", "s", "at", "l", "dl")
        found = pipeline.execute(raise_on_error=False)
    jobs = {}
    for job_id, values in zip(ids, found, strict=True):
        state, failed, last, older = values if isinstance(values, list) else ("unreadable", None, None, None)
        if older:  # written by functions before 1.6, which counted a completion as an attempt
            deliveries, attempts = _number(older), _number(failed)
        else:
            deliveries, attempts = _deliveries(last), _number(failed) + (state == "completed")
        jobs[job_id] = StoredJob(state or "unreadable", deliveries, 0, attempts)
    return jobs


def _count_lost(client: redis.Redis, prefix: str, ids: list[str], jobs: dict[str, StoredJob]) -> None:
    for job_id in ids:
        outcomes = [orjson.loads(record)[4] for record in client.lrange(f"{prefix}a:{job_id}", 0, -1)]
        if job_id in jobs:
            jobs[job_id].lost = outcomes.count("lost")


def _deliveries(last: str | None) -> int:
    """From the field of the last delivery: token, time, number, place, worker."""
    fields = last.split(" ", 4) if last else []
    return _number(fields[2]) if len(fields) > 2 else 0


def _number(text: str | None) -> int:
    """0 for what is none: a malformed job's field may be anything."""
    return int(text) if text and text.isdigit() else 0

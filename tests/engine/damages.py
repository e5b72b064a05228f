"""A queue with a job in every place there is, and all that can be done to its keys by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action
from queue_engine.domain.audit import Action
from queue_engine.domain.job import Retention
from queue_engine.domain.lease import Completed
from queue_engine.domain.reconciliation import Balance, Finding, FindingKind
from queue_engine.engine import QueueEngine

PREFIX = f"jobs:{{{QUEUE}}}:"
EVERY_INDEX = ("waiting", "suspects", "active", "delayed", "completed", "failed", "dead", "cancelled")


def prove(engine: QueueEngine, action: Action | None = None) -> tuple[list[Finding], Balance]:
    """Go through the whole queue."""
    findings: list[Finding] = []
    start: str | None = None
    while True:
        stretch = engine.reconciling.reconcile_queue(QUEUE, start=start, action=action)
        findings += stretch.findings
        start = stretch.next
        if start is None:
            assert stretch.balance is not None
            return findings, stretch.balance


def fill(engine: QueueEngine, clock: Clock) -> None:
    """One job in every place there is, and a pruned one; each is named after its place."""
    worker = Worker(engine)
    short = QueueEngine(engine._store, retention=Retention(completed_count=0))
    engine.enqueue_job(QUEUE, a_job("pruned"))
    worker.run(Completed())
    assert short.prune_jobs(QUEUE) == 1
    for name in ("completed", "failed"):
        engine.enqueue_job(QUEUE, a_job(name))
        lease = worker.take_one()
        engine.add_log(lease, "a line", worker=worker.name)
        worker.report(lease, Completed() if name == "completed" else a_failure(retry_delay_ms=None))
    engine.enqueue_jobs(QUEUE, [a_job("cancelled"), a_job("delayed", delay_ms=3_600_000)])
    engine.cancel_job(QUEUE, "cancelled", action=an_action())
    for name in ("active", "suspects"):
        engine.enqueue_job(QUEUE, a_job(name))
        Worker(engine, f"first of {name}").take_one()
        clock.expire_lease(name)
        assert engine.reap_leases(QUEUE) == 1
        if name == "active":
            Worker(engine, "second of active").take_one()
    engine.enqueue_job(QUEUE, a_job("waiting"))


Damage = Callable[[redis.Redis], Any]


def unindex(index: str, *job_ids: str) -> Damage:
    return lambda client: client.zrem(PREFIX + index, *job_ids)


def index(name: str, job_id: str) -> Damage:
    return lambda client: client.zadd(PREFIX + name, {job_id: 1})


def forget(job_id: str) -> Damage:
    return lambda client: client.delete(f"{PREFIX}j:{job_id}")


def overwrite(suffix: str) -> Damage:
    return lambda client: client.set(PREFIX + suffix, "garbage")


def write(job_id: str, field: str, value: str) -> Damage:
    return lambda client: client.hset(f"{PREFIX}j:{job_id}", field, value)


def count(name: str, amount: str) -> Damage:
    return lambda client: client.hset(PREFIX + "meta", f"n:{name}", amount)


def push(suffix: str) -> Damage:
    return lambda client: client.rpush(PREFIX + suffix, "x")


def many(*damages: Damage) -> Damage:
    return lambda client: [damage(client) for damage in damages]


def group(client: redis.Redis) -> str:
    """The error group of the dead job."""
    return str(client.hget(PREFIX + "j:failed", "g"), "ascii")  # type: ignore[arg-type]


K = FindingKind
DRIFT = [("", K.COUNTER_DRIFT)]
EVERY_DAMAGE: list[tuple[str, Damage, list[tuple[str, FindingKind]]]] = [
    *[(f"a {name} job in no index", unindex(name, name), [(name, K.LOST_JOB)]) for name in EVERY_INDEX[:5]],
    ("a dead job in no index", many(unindex("failed", "failed"), unindex("dead", "failed")), [("failed", K.LOST_JOB)]),
    ("a dead job that is not among the dead", unindex("dead", "failed"), [("failed", K.WRONG_INDEX)]),
    *[
        (f"an id in {name} without a job", index(name, "ghost"), [("ghost", K.GHOST_ENTRY)])
        for name in (*EVERY_INDEX, "waiting")
    ],
    ("a waiting job whose hash is gone", forget("waiting"), [("waiting", K.GHOST_ENTRY), *DRIFT]),
    ("an active job whose hash is gone", forget("active"), [("active", K.GHOST_ENTRY), ("active", K.LEAKED_HISTORY),
                                                           ("active", K.LEAKED_TRIAL), *DRIFT]),
    ("a waiting job among the completed too", index("completed", "waiting"), [("waiting", K.WRONG_INDEX)]),
    ("a completed job that waits too", index("waiting", "completed"), [("completed", K.WRONG_INDEX)]),
    ("a suspect among the others too", index("waiting", "suspects"), [("suspects", K.WRONG_INDEX)]),
    ("a state that the index denies", write("waiting", "s", "delayed"), [("waiting", K.WRONG_INDEX)]),
    ("a state there is not", write("waiting", "s", "dancing"), [("waiting", K.UNREADABLE_JOB)]),
    ("a job that is a string", overwrite("j:delayed"), [("delayed", K.UNREADABLE_JOB)]),
    ("a string in place of an index", overwrite("completed"), [("", K.UNREADABLE_INDEX), ("completed", K.LOST_JOB)]),
    ("a string in place of an error group", lambda c: c.set(f"{PREFIX}g:{group(c)}", "garbage"),
     [("", K.UNREADABLE_INDEX), ("", K.GROUP_DRIFT), ("failed", K.GROUP_DRIFT)]),
    ("a string in place of the trials", overwrite("trials"), [("", K.UNREADABLE_INDEX)]),
    ("a counter too high", count("added", "10"), DRIFT),
    ("a counter too low", count("pruned", "0"), DRIFT),
    ("a counter that is no number", count("removed", "none"), DRIFT),
    ("bytes of dead jobs that are not", lambda c: c.hincrby(PREFIX + "meta", "dead_bytes", 5), DRIFT),
    ("bytes of a dead job not counted", lambda c: c.hdel(PREFIX + "j:failed", "w"),
     [("failed", K.COUNTER_DRIFT), *DRIFT]),
    ("attempts without a job", push("a:gone"), [("gone", K.LEAKED_HISTORY)]),
    ("log lines without a job", push("l:gone"), [("gone", K.LEAKED_HISTORY)]),
    ("children without a job", index("c:gone", "tickets:x"), [("gone", K.LEAKED_HISTORY)]),
    ("a tombstone that never expires", overwrite("t:gone"), [("gone", K.LEAKED_TOMBSTONE)]),
    ("a tombstone beside its job", lambda c: c.set(PREFIX + "t:waiting", "completed x", px=60_000),
     [("waiting", K.LEAKED_TOMBSTONE)]),
    ("a trial that nobody runs", lambda c: c.hset(PREFIX + "trials", "worker-9", "waiting"),
     [("waiting", K.LEAKED_TRIAL)]),
    ("an error group without its job", lambda c: c.zrem(f"{PREFIX}g:{group(c)}", "failed"),
     [("failed", K.GROUP_DRIFT), ("", K.GROUP_DRIFT), ("", K.GROUP_DRIFT)]),
    ("an error group with a job that is fine", lambda c: c.zadd(f"{PREFIX}g:{group(c)}", {"waiting": 1}),
     [("waiting", K.WRONG_INDEX), ("", K.GROUP_DRIFT)]),
    ("an error group with nobody's id", lambda c: c.zadd(f"{PREFIX}g:{group(c)}", {"ghost": 1}),
     [("ghost", K.GHOST_ENTRY), ("", K.GROUP_DRIFT)]),
    ("an error group of another size", lambda c: c.zadd(PREFIX + "groups", {group(c): 7}), [("", K.GROUP_DRIFT)]),
    ("an error group nobody lists", lambda c: c.zrem(PREFIX + "groups", group(c)), [("", K.GROUP_DRIFT)]),
    ("an error group nobody describes", lambda c: c.hdel(PREFIX + "groups:about", group(c)), [("", K.GROUP_DRIFT)]),
]  # fmt: skip

"""Calls as services before 1.8 make them, beside which these functions work while one after the other is replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis

from engine.builders import QUEUE, a_job, an_action
from engine.schedules import Runner, job_of, upsert
from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.job import IfExists, Job, JobRef, JobState, NewJob
from queue_engine.engine import QueueEngine
from queue_engine.store.encode import action_args, digest
from queue_engine.store.keys import meta_key
from queue_engine.store.library import FUNCTION_PREFIX
from queue_engine.store.settings_codec import pack_settings

FULL: dict[str, Any] = {
    "priority": 7, "attempts": 5, "backoff": Backoff(BackoffKind.FIXED, 1_000, 1_000, 0.0), "dedup_ms": 60_000,
    "owner": "tickets", "options": b'{"a":\n1}', "parent": JobRef("appointments", "a:b"),
}  # fmt: skip


def older_args(job: NewJob) -> list[str | bytes | int]:
    """The eleven of one job."""
    when = f"r{job.delay_ms}" if job.delay_ms else ""
    if_exists = "return" if job.if_exists is IfExists.RETURN else f"{job.if_exists}:{job.request}"
    return [
        job.job_id, job.name, job.data, digest(job.name, job.data), when, job.priority, pack_settings(job), job.owner,
        job.options, if_exists, str(job.parent or ""),
    ]  # fmt: skip


def call(client: redis.Redis, function: str, *args: str | bytes | int) -> list[Any]:
    reply: Any = client.fcall(FUNCTION_PREFIX + function, 1, meta_key(QUEUE), *args)
    return [word.decode() if isinstance(word, bytes) else word for word in reply]


def enqueue(client: redis.Redis, *jobs: NewJob) -> list[Any]:
    return call(client, "enqueue_jobs", *action_args(None), *(arg for job in jobs for arg in older_args(job)))


def without_id(job: Job) -> Job:
    return replace(job, job_id="", created_at_ms=0, due_at_ms=None)


@pytest.fixture(autouse=True)
def _queue(engine: QueueEngine) -> None:
    engine.enqueue_job(QUEUE, a_job("first"))


@pytest.mark.parametrize(
    "fields", [{}, FULL, {"delay_ms": 60_000, "owner": "tickets"}], ids=["plain", "full", "delayed"]
)
def test_an_older_call_makes_the_same_job_as_a_present_one(
    engine: QueueEngine, client: redis.Redis, fields: dict[str, Any]
) -> None:
    assert enqueue(client, a_job("older", **fields))[:2] == ["OK", "CREATED"]
    engine.enqueue_job(QUEUE, a_job("present", **fields))

    older, present = (engine.get_job(QUEUE, job_id).job for job_id in ("older", "present"))

    assert without_id(older) == without_id(present)
    assert abs(older.created_at_ms - present.created_at_ms) < 10_000
    older_fields, present_fields = (
        client.hgetall(f"jobs:{{{QUEUE}}}:j:{job_id}").keys() for job_id in ("older", "present")
    )
    assert older_fields == present_fields


def test_an_older_call_is_answered_for_each_of_its_jobs(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job("known"))
    replacing = a_job("new", if_exists=IfExists.REPLACE, request="r1")

    jobs = [a_job("known"), a_job("known", data=b"2"), replacing, a_job("late", delay_ms=60_000)]

    assert enqueue(client, *jobs) == [
        "OK", "KNOWN", "waiting", "CONFLICT", "waiting", "CREATED", "waiting", "CREATED", "delayed",
    ]  # fmt: skip
    assert enqueue(client, replacing) == ["OK", "CREATED", "waiting"]
    assert engine.enqueue_job(QUEUE, replacing).created
    assert engine.count_jobs(QUEUE).totals["replaced"] == 0


def test_an_older_call_runs_a_schedule(engine: QueueEngine, client: redis.Redis) -> None:
    upsert(engine)
    runner = Runner(engine, client)
    runner.make_due("nightly")
    (schedule,) = engine.schedules.list_due_schedules(QUEUE).schedules
    now_ms, _ = engine.schedules.read_schedule(QUEUE, "nightly")
    run = schedule.due_run(now_ms)
    job, by_hand = job_of(schedule, run.due_ms), a_job("by-hand")

    due = call(
        client, "run_schedule", "nightly", schedule.revision, schedule.next_run_ms or 0, run.due_ms, run.following_ms,
        run.missed, "enqueue", "", *older_args(job),
    )  # fmt: skip
    now = call(
        client, "run_schedule_now", *action_args(an_action()), "nightly", schedule.revision, *older_args(by_hand)
    )

    assert (due, now) == (["OK", "enqueued"], ["OK", "enqueued"])
    assert {job.job_id, "by-hand"} <= {
        found.job_id for found in engine.list_jobs(QUEUE, JobState.WAITING, offset=0, limit=10).jobs
    }


def test_an_older_call_takes_and_settles(engine: QueueEngine, client: redis.Redis) -> None:
    engine.enqueue_job(QUEUE, a_job("full", **{**FULL, "priority": 0}))
    created = [engine.get_job(QUEUE, job_id).job.created_at_ms for job_id in ("first", "full")]
    kept = [1_000, 10_000, 86_400_000]

    *_, stale, flat = call(client, "settle_jobs", "w1", 30_000, 10, *kept)

    assert stale == []
    plain, full = flat[:10], flat[10:]
    token, packed = plain[1], pack_settings(a_job("full", **FULL)).encode()
    assert plain == [b"first", token, b"ticket.created", a_job("first").data, b"", b"", created[0], 0, 1, 0]
    assert full == [
        b"full",
        token + 1,
        b"ticket.created",
        a_job("full").data,
        FULL["options"],
        packed,
        created[1],
        0,
        1,
        0,
    ]
    reports = [
        "first",
        token,
        "completed",
        "",
        "full",
        token + 1,
        "failed",
        "no",
        "E",
        "",
        "exception",
        0,
        "x",
        1,
        "interrupted",
    ]

    *_, stale, flat = call(client, "settle_jobs", "w1", 30_000, 10, *kept, *reports)

    assert (stale, flat[:1], flat[7:]) == ([2], [b"full"], [1, 2, 0])
    assert engine.get_job(QUEUE, "first").job.state is JobState.COMPLETED

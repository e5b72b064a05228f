"""Whether a real queue looks to people as the model says."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.builders import QUEUE
from engine.model import Model
from engine.model_job import ModelJob
from queue_engine.domain.job import Job, JobState
from queue_engine.engine import QueueEngine


def assert_agree(engine: QueueEngine, model: Model) -> None:
    """Every list in its order, every field that has a meaning, every count and group."""
    for state in JobState:
        page = engine.list_jobs(QUEUE, state, offset=0, limit=100)
        assert [job.job_id for job in page.jobs] == model.in_state(state)
        assert page.total == len(page.jobs)
        for job in page.jobs:
            assert _seen(job) == _expected(model.jobs[job.job_id])
    _assert_counts(engine, model)
    _assert_groups(engine, model)
    waiting, parked, _ = engine.audit_backlog(QUEUE)
    assert (waiting, parked) == (len(model.audit), 0)


def _seen(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "data": job.data,
        "priority": job.priority,
        "owner": job.owner,
        "attempts": (job.attempts_made, job.max_attempts),
        "deliveries": job.deliveries,
        "lost": job.lost_leases,
        "due": job.due_at_ms,
        "ended": job.finished_at_ms,
        "cancelled": job.cancelled,
        "dead": job.dead,
        "cancel requested": job.cancel_requested,
        "worker": job.worker if job.state is JobState.ACTIVE else None,
    }


def _expected(job: ModelJob) -> dict[str, Any]:
    return {
        "state": job.state,
        "data": job.data,
        "priority": job.priority,
        "owner": job.owner,
        "attempts": (job.attempts_made, job.attempts),
        "deliveries": job.deliveries,
        "lost": job.lost,
        "due": job.due,
        "ended": job.ended,
        "cancelled": job.cancelled,
        "dead": job.state is JobState.FAILED and not job.cancelled,
        "cancel requested": job.cancel_reason is not None,
        "worker": job.worker if job.state is JobState.ACTIVE else None,
    }


def _assert_counts(engine: QueueEngine, model: Model) -> None:
    counts = engine.count_jobs(QUEUE)
    sizes = {state: len(model.in_state(state)) for state in JobState}
    seen = (counts.waiting, counts.active, counts.delayed, counts.completed, counts.failed)
    assert seen == tuple(sizes[state] for state in JobState)
    assert counts.dead == sum(map(model.is_dead, model.jobs))
    assert counts.paused == model.paused
    assert {name: total for name, total in counts.totals.items() if total} == dict(+model.totals)
    assert counts.totals["added"] == len(model.jobs) + counts.totals["removed"] + counts.totals["pruned"]


def _assert_groups(engine: QueueEngine, model: Model) -> None:
    found = engine.list_error_groups(QUEUE, limit=500)
    sizes = {(not group.dead, group.error_class, group.line): group.count for group in found.groups}
    failed = [model.jobs[job_id] for job_id in model.in_state(JobState.FAILED)]
    assert Counter(sizes) == Counter((job.cancelled, *job.failure) for job in failed)
    assert found.total == len(found.groups)

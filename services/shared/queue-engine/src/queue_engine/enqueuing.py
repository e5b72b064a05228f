"""Enqueueing: checks, the call, and one answer per job."""

from __future__ import annotations

from collections.abc import Sequence

from queue_engine.domain.audit import Action
from queue_engine.domain.errors import IdConflict, InvalidArgument, QueueNotFound, WrongState
from queue_engine.domain.job import Enqueued, JobState, NewJob
from queue_engine.domain.limits import MAX_ENQUEUE, check_new_job, check_queue_name
from queue_engine.store.encode import action_args, job_args
from queue_engine.store.redis_store import Arg, RedisStore


def enqueue_jobs(
    store: RedisStore, queue: str, jobs: Sequence[NewJob], *, action: Action | None
) -> list[Enqueued | Exception]:
    """See QueueEngine.enqueue_jobs."""
    check_queue_name(queue)
    if len(jobs) > MAX_ENQUEUE:
        raise InvalidArgument("jobs", f"must be at most {MAX_ENQUEUE}")
    if not jobs:
        return []
    args: list[Arg] = [*action_args(action)]
    for job in jobs:
        check_new_job(job)
        args += job_args(job)
    try:
        reply = store.call("enqueue_jobs", queue, *args, resend=True)
    except QueueNotFound:
        store.set_up_queue(queue)
        reply = store.call("enqueue_jobs", queue, *args, resend=True)
    return [
        _answer(queue, job, word, JobState(state.decode()))
        for job, word, state in zip(jobs, reply[1::2], reply[2::2], strict=True)
    ]


def _answer(queue: str, job: NewJob, word: bytes, state: JobState) -> Enqueued | Exception:
    match word:
        case b"CREATED":
            return Enqueued(job.job_id, state, created=True)
        case b"REPLACED":
            return Enqueued(job.job_id, state, created=True, replaced=True)
        case b"KNOWN":
            return Enqueued(job.job_id, state, created=False)
        case b"WRONG_STATE":
            return WrongState(job.job_id, state, "replaced")
        case _:
            return IdConflict(queue, job.job_id)

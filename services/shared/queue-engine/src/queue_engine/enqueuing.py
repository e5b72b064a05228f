"""Enqueueing: checks, the call, and one answer per job."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from queue_engine.domain.audit import Action
from queue_engine.domain.errors import IdConflict, InvalidArgument, JobNotFound, QueueNotFound, WrongState
from queue_engine.domain.job import Enqueued, JobState, NewJob
from queue_engine.domain.limits import MAX_ENQUEUE, check_new_job, check_queue_name
from queue_engine.store.encode import action_args, job_args
from queue_engine.store.redis_store import Arg, RedisStore, Reply

_STEP = 250
"""Jobs per call: keeps each call under about 5 ms."""


def enqueue_jobs(
    store: RedisStore, queue: str, jobs: Sequence[NewJob], *, action: Action | None
) -> list[Enqueued | Exception]:
    """See QueueEngine.enqueue_jobs."""
    check_queue_name(queue)
    if len(jobs) > MAX_ENQUEUE:
        raise InvalidArgument("jobs", f"must be at most {MAX_ENQUEUE}")
    args: list[tuple[Arg, ...]] = []
    for job in jobs:
        check_new_job(job)
        args.append(job_args(job))
    answers: list[Enqueued | Exception] = []
    for first in range(0, len(jobs), _STEP):
        words = _enqueue_step(store, queue, [*action_args(action), *chain.from_iterable(args[first : first + _STEP])])
        step = zip(jobs[first : first + _STEP], words[1::2], words[2::2], strict=True)
        answers += [_answer(queue, job, word, JobState(state.decode())) for job, word, state in step]
    return answers


def _enqueue_step(store: RedisStore, queue: str, args: list[Arg]) -> Reply:
    try:
        return store.call("enqueue_jobs", queue, *args, resend=True)
    except QueueNotFound:
        store.set_up_queue(queue)
        return store.call("enqueue_jobs", queue, *args, resend=True)


def _answer(queue: str, job: NewJob, word: bytes, state: JobState) -> Enqueued | Exception:
    match word:
        case b"CREATED":
            return Enqueued(job.job_id, state, created=True)
        case b"REPLACED":
            return Enqueued(job.job_id, state, created=True, replaced=True)
        case b"KNOWN":
            return Enqueued(job.job_id, state, created=False)
        case b"NOT_FOUND":
            return JobNotFound(queue, job.job_id)
        case b"WRONG_STATE":
            return WrongState(job.job_id, state, "replaced")
        case _:
            return IdConflict(queue, job.job_id)

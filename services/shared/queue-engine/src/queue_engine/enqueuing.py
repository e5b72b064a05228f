"""Enqueueing: checks, the call, and one answer per job."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain, pairwise

from queue_engine.domain.audit import Action
from queue_engine.domain.errors import IdConflict, InvalidArgument, JobNotFound, QueueNotFound, WrongState
from queue_engine.domain.job import Enqueued, JobState, NewJob
from queue_engine.domain.limits import MAX_ENQUEUE, check_queue_name
from queue_engine.store.encode import CheckedJob, action_args, checked_job, job_args
from queue_engine.store.redis_store import Arg, Part, RedisStore, Reply

FIRST_PART, FURTHER_PART = 25, 250
"""Jobs of a batch's first call, few so that the store begins soon, and of each further one, which is sent meanwhile.

None keeps the store for more than about 5 ms, and there are few, because a store may sync its disk after each. The last
has at least as many as the first: fewer are not worth a call.
"""

_STATES = {state.value.encode(): state for state in JobState}


def enqueue_jobs(
    store: RedisStore, queue: str, jobs: Sequence[NewJob], *, action: Action | None
) -> list[Enqueued | Exception]:
    """See QueueEngine.enqueue_jobs."""
    check_queue_name(queue)
    if len(jobs) > MAX_ENQUEUE:
        raise InvalidArgument("jobs", f"must be at most {MAX_ENQUEUE}")
    checked = [checked_job(job) for job in jobs]
    cuts = [0, *range(FIRST_PART, len(jobs) - FIRST_PART + 1, FURTHER_PART), len(jobs)]
    spans = [(begin, end) for begin, end in pairwise(cuts) if begin < end]
    parts = [partial(_args, action, checked[begin:end]) for begin, end in spans]
    answers: list[Enqueued | Exception] = []
    for (begin, end), reply in zip(spans, _enqueue(store, queue, parts), strict=True):
        answers += _answers(queue, jobs[begin:end], reply)
    return answers


def _args(action: Action | None, jobs: Sequence[CheckedJob]) -> list[Arg]:
    return [*action_args(action), *chain.from_iterable(map(job_args, jobs))]


def _enqueue(store: RedisStore, queue: str, parts: Sequence[Part]) -> list[Reply]:
    try:
        return store.call_in_parts("accept_jobs", queue, parts)
    except QueueNotFound:
        store.set_up_queue(queue)
        return store.call_in_parts("accept_jobs", queue, parts)


def _answers(queue: str, jobs: Sequence[NewJob], reply: Reply) -> list[Enqueued | Exception]:
    """One for each job; those that the reply does not name are new and wait."""
    answers: list[Enqueued | Exception] = [_accepted(job.job_id) for job in jobs]
    for number, word, state in zip(*[iter(reply[1:])] * 3, strict=True):
        answers[number - 1] = _answer(queue, jobs[number - 1], word, _STATES[state])
    return answers


def _accepted(job_id: str) -> Enqueued:
    """What is answered of nearly all, past the tuple's own constructor, which takes three times as long."""
    return tuple.__new__(Enqueued, (job_id, JobState.WAITING, True, False))


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

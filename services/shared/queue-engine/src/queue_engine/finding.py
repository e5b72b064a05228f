"""Finding jobs: by exact id in all queues; by the beginning of an id or a name in one, with a bounded look."""

from __future__ import annotations

from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import DEAD_LETTER_QUEUE, FoundJobs, Job, JobRef, JobState
from queue_engine.domain.limits import check_job_id, check_queue_name, check_range
from queue_engine.reading import MAX_ACTIVE, Reading, as_entry
from queue_engine.store import decode
from queue_engine.store.redis_store import RedisStore, Reply

MAX_FOUND = 100
MAX_LOOKED_AT = 5_000
"""Jobs that one search looks at."""

_LOOK_STEP = 500


class Finding:
    """See QueueEngine.find_jobs. Changes nothing."""

    def __init__(self, store: RedisStore, reading: Reading) -> None:
        self._store, self._reading = store, reading

    def find_jobs(self, text: str, *, queue: str | None, limit: int) -> FoundJobs:
        """Exact ids first, then beginnings in the order of states and ranks."""
        check_range("limit", limit, 1, MAX_FOUND)
        if queue is None:
            jobs = self._fetch([ref for name in self._reading.list_queues() for ref in _exact(text, name)])
            return FoundJobs(tuple(jobs[:limit]), complete=len(jobs) <= limit, looked_at=0)
        check_queue_name(queue, allow_view=True)
        in_view = queue == DEAD_LETTER_QUEUE
        homes = self._reading.list_queues() if in_view else [queue]
        found = [JobRef(job.queue, job.job_id) for name in homes for job in self._fetch(_exact(text, name))]
        indexes = ["dead"] if in_view else [state.value for state in JobState]
        look = _Look(self._store, text, found, limit)
        for name in homes:
            for index in indexes:
                look.through(name, index)
        jobs = [job for job in self._fetch(look.found[:limit]) if job.dead or not in_view]
        if in_view:
            jobs = [as_entry(job) for job in jobs]
        return FoundJobs(tuple(jobs), complete=look.complete, looked_at=look.looked_at)

    def _fetch(self, refs: list[JobRef]) -> list[Job]:
        """Those that are there, in order."""
        jobs: dict[JobRef, Job] = {}
        for queue in dict.fromkeys(ref.queue for ref in refs):
            for job in self._reading.get_jobs(queue, [ref.job_id for ref in refs if ref.queue == queue]):
                jobs[JobRef(queue, job.job_id)] = job
        return [jobs[ref] for ref in dict.fromkeys(refs) if ref in jobs]


class _Look:
    """One search through indexes, within MAX_LOOKED_AT jobs."""

    def __init__(self, store: RedisStore, text: str, found: list[JobRef], limit: int) -> None:
        self._store, self._text, self._limit = store, text, limit
        self.found, self.looked_at, self.complete = found, 0, True

    def through(self, queue: str, index: str) -> None:
        """Look through one index, unless enough was found or looked at."""
        rank, step = 0, _LOOK_STEP
        while step == _LOOK_STEP:
            if self.looked_at >= MAX_LOOKED_AT or len(self.found) > self._limit:
                self.complete = False
                return
            step, *ids = self._match(queue, index, rank)
            refs = [JobRef(queue, decode.decode_id(job_id)) for job_id in ids]
            self.found = list(dict.fromkeys([*self.found, *refs]))
            self.looked_at, rank = self.looked_at + step, rank + step
        if len(self.found) > self._limit or (index == JobState.ACTIVE and rank >= MAX_ACTIVE):
            self.complete = False

    def _match(self, queue: str, index: str, rank: int) -> Reply:
        any_job = ("", "", "", "", "", "")
        return self._store.call("match_jobs", queue, index, rank, _LOOK_STEP, *any_job, self._text, resend=True)[1:]


def _exact(text: str, queue: str) -> list[JobRef]:
    """The jobs of a queue that the text may name: its id, or `<queue>:<id>`."""
    refs = [JobRef(queue, job_id) for job_id in dict.fromkeys((text, text.removeprefix(f"{queue}:")))]
    return [ref for ref in refs if _is_job_id(ref.job_id)]


def _is_job_id(text: str) -> bool:
    try:
        check_job_id(text)
    except InvalidArgument:
        return False
    return True

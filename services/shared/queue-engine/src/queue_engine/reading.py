"""What people see: counts, pages, single jobs, minutes; and the dead-letter view over all queues."""

from __future__ import annotations

from dataclasses import replace
from heapq import merge
from itertools import islice

from queue_engine.domain.error_group import check_group_id, holds_dead
from queue_engine.domain.errors import InvalidArgument, JobNotFound, QueueNotFound
from queue_engine.domain.job import DEAD_LETTER_QUEUE, Job, JobDetail, JobPage, JobState, Minute, Order, QueueCounts
from queue_engine.domain.limits import check_job_id, check_queue_name, check_range
from queue_engine.store import decode
from queue_engine.store.encode import encode_id
from queue_engine.store.redis_store import RedisStore

MAX_PAGE = 500
MAX_ACTIVE = 2_000
"""As many active jobs can be paged through."""

MAX_DEAD_DEPTH = 5_000
"""How deep the dead-letter view can be paged into."""

_MINUTE_MS = 60_000


class Reading:
    """See the methods of the same names of QueueEngine. Changes nothing."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def list_queues(self) -> list[str]:
        """Sorted."""
        return sorted(name.decode() for name in self._store.call_registry("list_queues")[1:])

    def count_jobs(self, queue: str) -> QueueCounts:
        """One queue, or the view's sum."""
        check_queue_name(queue, allow_view=True)
        if queue == DEAD_LETTER_QUEUE:
            dead = sum(self._dead_ids(name, 0)[0] for name in self.list_queues())
            return QueueCounts(queue, 0, 0, 0, 0, failed=dead, dead=dead, paused=False)
        return decode.queue_counts(queue, self._store.call("count_jobs", queue, resend=True))

    def list_jobs(
        self, queue: str, state: JobState, *, offset: int, limit: int, group: str | None, order: Order | None
    ) -> JobPage:
        """One queue's page, or the view's."""
        check_queue_name(queue, allow_view=True)
        check_range("limit", limit, 0, MAX_PAGE)
        check_range("offset", offset, 0, 2**31)
        if group is not None:
            check_group_id(group)
            if state is not JobState.FAILED:
                raise InvalidArgument("group", "needs the status failed")
        if queue == DEAD_LETTER_QUEUE:
            return self._list_view(state, offset, limit, group, order)
        index = state.value if group is None else f"g:{group}"
        reply = self._store.call("list_jobs", queue, index, offset, limit, order or "", resend=True)
        return JobPage(tuple(decode.job(queue, one) for one in reply[2:]), reply[1])

    def get_job(self, queue: str, job_id: str) -> JobDetail:
        """A job, or an entry of the view."""
        home, own_id = locate(queue, job_id)
        reply = self._store.call("get_job", home, own_id, resend=True)
        if reply[0] == b"NOT_FOUND":
            raise JobNotFound(queue, job_id)
        detail = decode.job_detail(home, reply)
        if queue == DEAD_LETTER_QUEUE and not detail.job.dead:
            raise JobNotFound(queue, job_id)
        return detail

    def get_jobs(self, queue: str, job_ids: list[str]) -> list[Job]:
        """Those of up to 500 jobs that are there."""
        reply = self._store.call("get_jobs", queue, *(encode_id(job_id) for job_id in job_ids), resend=True)
        return [decode.job(queue, one) for one in reply[1:]]

    def list_minutes(self, queue: str, *, minutes: int) -> list[Minute]:
        """Without gaps, oldest first, the running minute last."""
        check_queue_name(queue)
        check_range("minutes", minutes, 1, 1_440)
        hours = (minutes + 59) // 60
        _, now_ms, *hashes = self._store.call("list_minutes", queue, hours, resend=True)
        this_minute = now_ms // _MINUTE_MS
        first_hour = this_minute // 60 - hours
        counts: dict[int, dict[str, int]] = {}
        for hour, flat in enumerate(hashes):
            for field, amount in decode.flat_fields(flat).items():
                minute, _, event = field.decode().partition(":")
                counts.setdefault((first_hour + hour) * 60 + int(minute), {})[event] = int(amount)
        return [_minute(at, counts.get(at, {})) for at in range(this_minute - minutes + 1, this_minute + 1)]

    def oldest_runnable_ms(self, queue: str) -> int | None:
        """None when nothing waits."""
        check_queue_name(queue)
        age: int = self._store.call("oldest_runnable", queue, resend=True)[1]
        return None if age < 0 else age

    def _dead_ids(
        self, queue: str, depth: int, index: str = "dead", order: Order | None = None
    ) -> tuple[int, list[tuple[int, str, str]]]:
        """How many are dead, and the first `depth` of them in that order as (time of death, queue, id)."""
        try:
            _, total, *flat = self._store.call("list_dead", queue, depth, index, order or "", resend=True)
        except QueueNotFound:
            return 0, []
        found = [(int(died), queue, decode.decode_id(i)) for i, died in zip(flat[::2], flat[1::2], strict=True)]
        return total, found

    def _list_view(self, state: JobState, offset: int, limit: int, group: str | None, order: Order | None) -> JobPage:
        if state is not JobState.FAILED or (group is not None and not holds_dead(group)):
            return JobPage((), 0)
        depth = min(offset + limit, MAX_DEAD_DEPTH)
        index = "dead" if group is None else f"g:{group}"
        found = [self._dead_ids(queue, depth, index, order) for queue in self.list_queues()]
        newest_first = order is not Order.OLDEST
        merged = merge(*(ids for _, ids in found), key=lambda entry: entry[0], reverse=newest_first)
        entries = list(islice(merged, offset, offset + limit))
        return JobPage(tuple(self._entries(entries)), sum(total for total, _ in found))

    def _entries(self, entries: list[tuple[int, str, str]]) -> list[Job]:
        jobs: dict[tuple[str, str], Job] = {}
        for queue in {queue for _, queue, _ in entries}:
            for job in self.get_jobs(queue, [job_id for _, home, job_id in entries if home == queue]):
                jobs[queue, job.job_id] = as_entry(job)
        return [jobs[queue, job_id] for _, queue, job_id in entries if (queue, job_id) in jobs]


def locate(queue: str, job_id: str) -> tuple[str, str]:
    """Where a job lives: itself, or for an entry `<queue>:<job id>` of the dead-letter view that queue and id."""
    check_queue_name(queue, allow_view=True)
    check_job_id(job_id)
    if queue != DEAD_LETTER_QUEUE:
        return queue, job_id
    home, found, own_id = job_id.partition(":")
    if not found:
        raise JobNotFound(queue, job_id)
    check_queue_name(home)
    check_job_id(own_id)
    return home, own_id


def as_entry(job: Job) -> Job:
    """The job as the dead-letter view shows it."""
    return replace(job, job_id=f"{job.queue}:{job.job_id}")


def _minute(at: int, counts: dict[str, int]) -> Minute:
    return Minute(at * _MINUTE_MS, counts.get("completed", 0), counts.get("failed", 0), counts.get("added", 0))

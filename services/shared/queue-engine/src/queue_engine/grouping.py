"""Error groups: of one queue as the functions keep them, of the dead-letter view merged from all queues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from queue_engine.domain.error_group import ErrorGroup, ErrorGroups
from queue_engine.domain.errors import QueueNotFound
from queue_engine.domain.job import DEAD_LETTER_QUEUE
from queue_engine.domain.limits import check_queue_name, check_range
from queue_engine.reading import Reading
from queue_engine.store import decode
from queue_engine.store.redis_store import RedisStore

MAX_GROUPS = 500
"""Groups per call; the dead-letter view is merged from as many of each queue."""


class Grouping:
    """See the methods of the same names of QueueEngine. Changes nothing."""

    def __init__(self, store: RedisStore, reading: Reading) -> None:
        self._store, self._reading = store, reading

    def list_error_groups(self, queue: str, *, limit: int) -> ErrorGroups:
        """One queue's, or the view's."""
        check_queue_name(queue, allow_view=True)
        check_range("limit", limit, 1, MAX_GROUPS)
        if queue == DEAD_LETTER_QUEUE:
            groups = merged(group for name in self._reading.list_queues() for group in self._dead(name))
            return ErrorGroups(tuple(groups[:limit]), len(groups))
        return self._of_queue(queue, limit)

    def _of_queue(self, queue: str, limit: int) -> ErrorGroups:
        _, total, *found = self._store.call("list_error_groups", queue, limit, resend=True)
        return ErrorGroups(tuple(decode.error_group(one) for one in found), total)

    def _dead(self, queue: str) -> list[ErrorGroup]:
        try:
            return [group for group in self._of_queue(queue, MAX_GROUPS).groups if group.dead]
        except QueueNotFound:
            return []


def merged(groups: Iterable[ErrorGroup]) -> list[ErrorGroup]:
    """Groups of one id made one, the largest first."""
    found: dict[str, ErrorGroup] = {}
    for group in groups:
        known = found.get(group.group_id)
        found[group.group_id] = _joined(known, group) if known else group
    return sorted(found.values(), key=lambda group: (-group.count, group.group_id))


def _joined(one: ErrorGroup, other: ErrorGroup) -> ErrorGroup:
    return replace(
        one,
        count=one.count + other.count,
        first_seen_ms=min(one.first_seen_ms, other.first_seen_ms),
        last_seen_ms=max(one.last_seen_ms, other.last_seen_ms),
    )

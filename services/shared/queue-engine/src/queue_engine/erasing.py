"""Erasing a subject from a queue: all its keys, in bounded steps that a caller can interrupt and repeat."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

from queue_engine.domain.audit import Action
from queue_engine.domain.erasure import LEFT, Erasure, check_erasure, forms_of, subject_fields
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.limits import check_queue_name
from queue_engine.registry import Registry
from queue_engine.store import decode
from queue_engine.store.encode import action_args
from queue_engine.store.redis_store import RedisStore

STRETCH_SECONDS = 1.0
"""How long one call goes on; far less than the deadline of whoever waits for it."""

_KEYS_STEP = 50
"""Keys per call of the store: with payloads of 64 KB and full logs each call stays far below what others notice."""

_KEY = re.compile(rb"(?:j|t|sc):.*", re.DOTALL)


class Erasing:
    """Raises what QueueEngine's methods raise."""

    def __init__(self, store: RedisStore) -> None:
        self._store, self._registry = store, Registry(store)

    def erase_subject(
        self, queue: str, subject: str, *, action: Action, start: str | None = None, dry_run: bool = False
    ) -> Erasure:
        """Erase `subject` for about a second; go on from `next` until it is None. Repeating it is safe.

        Jobs whose marked field is the subject are removed, whatever their state but active; the words of other jobs on
        it (errors, results, progress, logs, attempts, links) are blotted out. Each call that changes something records
        its action, without the subject. Jobs that come in meanwhile may be missed.
        """
        check_queue_name(queue)
        check_erasure(subject, action.reason)
        cursor = _cursor(start)
        known = self._known(queue, subject)
        until = time.monotonic() + STRETCH_SECONDS
        looked_at, calls = 0, 0
        found: dict[tuple[str, str], None] = {}
        while True:
            cursor, suffixes = self._store.scan_keys(queue, cursor)
            keys = sorted({suffix for suffix in suffixes if _KEY.fullmatch(suffix)})
            looked_at += len(keys)
            for first in range(0, len(keys), _KEYS_STEP):
                calls += 1
                own = replace(action, event_id=f"{action.event_id}:{calls}")
                step = keys[first : first + _KEYS_STEP]
                args = (*action_args(own), subject, known, "1" if dry_run else "", *step)
                reply = self._store.call("erase_subject", queue, *args, resend=True)
                found |= {(decode.decode_id(job_id), word.decode()): None for job_id, word in reply[1]}
            if not cursor or time.monotonic() > until:
                return _erasure(list(found), looked_at, cursor)

    def _known(self, queue: str, subject: str) -> str:
        types = [job_type for job_type in self._registry.list_job_types() if job_type.queue == queue]
        marked = {job_type.name: fields for job_type in types if (fields := subject_fields(job_type.schema))}
        return json.dumps([forms_of(subject), marked], ensure_ascii=False)


def _erasure(found: list[tuple[str, str]], looked_at: int, cursor: int) -> Erasure:
    words = [word for _, word in found]
    left = tuple((job_id, LEFT[word]) for job_id, word in found if word in LEFT)
    return Erasure(words.count("removed"), words.count("redacted"), left, looked_at, str(cursor) if cursor else None)


def _cursor(start: str | None) -> int:
    if start is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,20}", start) or int(start) >= 2**64:
        raise InvalidArgument("next", "must be what the call before answered")
    return int(start)

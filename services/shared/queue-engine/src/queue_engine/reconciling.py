"""Proving a queue: all indexes, then all keys, then the counters, in bounded steps that a caller can interrupt."""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import replace

from queue_engine.domain.audit import Action
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.limits import check_queue_name
from queue_engine.domain.reconciliation import Balance, Finding, Reconciliation
from queue_engine.store import decode
from queue_engine.store.encode import action_args
from queue_engine.store.redis_store import Arg, RedisStore, Reply

INDEXES = (
    "waiting", "suspects", "active", "delayed", "completed", "failed", "dead", "cancelled", "groups", "groups:about",
)  # fmt: skip
TYPES, KEYS, COUNTS = "types", "keys", "counts"
MAX_NEXT_CHARS = 65_536

STRETCH_SECONDS = 1.0
"""How long one call goes on; far less than the deadline of whoever waits for it."""

_MAX_FINDINGS = 1_000
_KEYS_STEP = 100
"""Keys checked per call of the store: keeps each under about 5 ms."""

_JOB_KEY = re.compile(rb"[jalct]:.*|g:[cd][0-9a-f]{16}", re.DOTALL)
_TASK = re.compile(rf"({'|'.join([TYPES, *INDEXES, KEYS, COUNTS])}|g:[cd][0-9a-f]{{16}})@([0-9]{{1,20}})")
# What is still to be looked at, each with the place to begin: this is what `next` and `start` hold.
_START = ",".join(f"{name}@0" for name in (TYPES, *INDEXES, KEYS, COUNTS))


class Reconciling:
    """Raises what QueueEngine's methods raise."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def reconcile_queue(self, queue: str, *, start: str | None = None, action: Action | None = None) -> Reconciliation:
        """Prove for about a second that keys, indexes and counters agree; go on from `next` until it is None.

        Changes nothing without `action`; with it, mends and records each finding in the call that finds it.
        """
        check_queue_name(queue)
        stretch = _Stretch(self._store, queue, _parse(start or _START), action)
        until = time.monotonic() + STRETCH_SECONDS
        stretch.step()
        while stretch.todo and time.monotonic() < until and len(stretch.findings) < _MAX_FINDINGS:
            stretch.step()
        todo = ",".join(f"{name}@{at}" for name, at in stretch.todo)
        return Reconciliation(tuple(stretch.findings), stretch.looked_at, todo or None, stretch.balance)


class _Stretch:
    """One call's part of a proof. A step is one atomic call, or a SCAN whose keys such calls check then."""

    def __init__(self, store: RedisStore, queue: str, todo: deque[tuple[str, int]], action: Action | None) -> None:
        self._store, self._queue, self._action = store, queue, action
        self._calls = 0
        self.todo = todo
        self.findings: list[Finding] = []
        self.looked_at = 0
        self.balance: Balance | None = None

    def step(self) -> None:
        """Do the next of what is to be done."""
        name, at = self.todo.popleft()
        if name == TYPES:
            self._note(0, self._call("reconcile_types")[1])
        elif name == COUNTS:
            self._check_counts()
        elif name == KEYS:
            self._check_keys(at)
        else:
            self._check_index(name, at)

    def _check_index(self, name: str, at: int) -> None:
        _, further, looked_at, found = self._call("reconcile_index", name, at)
        self._note(looked_at, found)
        if int(further):
            self.todo.appendleft((name, int(further)))

    def _check_keys(self, at: int) -> None:
        further, suffixes = self._store.scan_keys(self._queue, at)
        if further:
            self.todo.appendleft((KEYS, further))
        keys = sorted({suffix for suffix in suffixes if _JOB_KEY.fullmatch(suffix)})
        for first in range(0, len(keys), _KEYS_STEP):
            step = keys[first : first + _KEYS_STEP]
            self._note(len(step), self._call("reconcile_keys", *step)[1])
        # The entries of error groups are known by these keys only.
        self.todo.extendleft((key.decode(), 0) for key in keys if key.startswith(b"g:"))

    def _check_counts(self) -> None:
        _, *counts, found = self._call("reconcile_counts")
        self._note(0, found)
        self.balance = Balance(*counts)

    def _note(self, looked_at: int, found: list[list[bytes]]) -> None:
        self.looked_at += looked_at
        self.findings += [decode.finding(one) for one in found]

    def _call(self, function: str, *args: Arg) -> Reply:
        """Each call gets an event id of its own: the functions number its repairs from 1."""
        self._calls += 1
        action = self._action and replace(self._action, event_id=f"{self._action.event_id}:{self._calls}")
        return self._store.call(function, self._queue, *action_args(action), *args, resend=True)


def _parse(todo: str) -> deque[tuple[str, int]]:
    if len(todo) > MAX_NEXT_CHARS:
        raise InvalidArgument("next", f"must be at most {MAX_NEXT_CHARS} characters long")
    tasks = [_TASK.fullmatch(task) for task in todo.split(",")]
    found = [(task[1], int(task[2])) for task in tasks if task]
    if len(found) < len(tasks) or any(at >= 2**64 for _, at in found):
        raise InvalidArgument("next", "must be what the call before answered")
    return deque(found)

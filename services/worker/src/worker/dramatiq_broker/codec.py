"""How a Dramatiq message lies in a job, and back.

A job's data is the payload itself: the actor gets it as its only argument. A message with other arguments or with
options keeps `{"args": [...], "kwargs": {...}}` as data and says so by `{"dramatiq": {<its options>}}` in the options.
"""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
from dramatiq import Actor, Message

from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff, BackoffKind
from queue_engine.domain.job import NewJob
from queue_engine.domain.lease import Lease

MARK = "dramatiq"
LONGEST_MS = 7 * 86_400_000  # Dramatiq's "no limit"; a lease is renewed no longer than its job's limit
DEFAULT_TIMEOUT_MS = 600_000  # as in Dramatiq's TimeLimit
MOST_URGENT, LEAST_URGENT = 0, 1_000_000
NOT_KEPT = frozenset({"eta"})  # the engine's due time takes its place


def dumps(value: Any) -> bytes:
    """JSON, as Dramatiq's own encoder would have it where the fast one refuses (integers over 64 bits)."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


Call = tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]
"""Positional and keyword arguments of an actor, and the options of its message."""


def read_call(lease: Lease) -> Call:
    """What a leased job calls its actor with. Raises ValueError, KeyError or TypeError."""
    data = orjson.loads(lease.data)
    given = orjson.loads(lease.options) if lease.options else {}
    if MARK not in given:
        return (data,), {}, {}
    options = dict(given[MARK])
    options.pop("eta", None)  # it would send the job into this process's memory to wait there
    return tuple(data["args"]), dict(data["kwargs"]), options


def to_new_job(message: Message[Any], *, actor: Actor[..., Any] | None, priority: int, delay_ms: int | None) -> NewJob:
    """The job to enqueue for a message; what the message's options leave open the actor's options decide."""
    kept = {name: value for name, value in message.options.items() if name not in NOT_KEPT}
    known = {**(actor.options if actor else {}), **message.options}
    is_bare = len(message.args) == 1 and isinstance(message.args[0], dict) and not message.kwargs and not kept
    data = message.args[0] if is_bare else {"args": message.args, "kwargs": message.kwargs}
    eta = message.options.get("eta")
    return NewJob(
        job_id=message.message_id,
        name=message.actor_name,
        data=dumps(data),
        delay_ms=delay_ms or None,
        due_at_ms=int(eta) if eta is not None and not delay_ms else None,
        priority=min(max(priority, MOST_URGENT), LEAST_URGENT),
        attempts=_attempts(known),
        backoff=_backoff(known),
        timeout_ms=_milliseconds(known.get("time_limit") or DEFAULT_TIMEOUT_MS),
        options=b"" if is_bare else dumps({MARK: kept}),
    )


def _attempts(known: dict[str, Any]) -> int:
    retries = known.get("max_retries")
    return 1 + int(retries) if retries is not None else 3


def _backoff(known: dict[str, Any]) -> Backoff:
    shortest, longest = known.get("min_backoff"), known.get("max_backoff")
    if shortest is None and longest is None:
        return DEFAULT_BACKOFF
    delay = int(shortest or DEFAULT_BACKOFF.delay_ms)
    return Backoff(BackoffKind.EXPONENTIAL, delay, max(delay, int(longest or DEFAULT_BACKOFF.max_delay_ms)))


def _milliseconds(limit: float) -> int:
    return LONGEST_MS if math.isinf(limit) else min(int(limit), LONGEST_MS)

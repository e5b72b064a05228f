"""Leases and delivered jobs made by hand."""

from __future__ import annotations

import itertools
import time
from typing import Any

from queue_engine.domain.backoff import Backoff
from queue_engine.domain.lease import Lease
from worker.dramatiq_broker.job import NOBODY, Job

_tokens = itertools.count(1)


def a_lease(**changes: Any) -> Lease:
    """A first delivery of job `j` in queue `q`; `changes` replace what is usual."""
    usual: dict[str, Any] = {
        "queue": "q",
        "job_id": "j",
        "token": next(_tokens),
        "name": "work",
        "data": b"{}",
        "options": b"",
        "attempts_made": 0,
        "max_attempts": 3,
        "deliveries": 1,
        "backoff": Backoff(delay_ms=1_000, jitter=0.0),
        "timeout_ms": 60_000,
        "created_at_ms": 0,
        "suspect": False,
    }
    return Lease(**{**usual, **changes})


def a_job(*, options: dict[str, Any] | None = None, **changes: Any) -> Job:
    """That lease as Dramatiq gets it."""
    lease = a_lease(**changes)
    return Job(lease, ((), {}, options or {}), NOBODY, time.monotonic())

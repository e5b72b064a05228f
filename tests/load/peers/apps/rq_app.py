"""RQ with its worker that does not fork for each job, the faster of its two."""

from __future__ import annotations

from typing import Any

import peer
from redis import Redis
from rq import Queue
from rq_jobs import noop

queue = Queue("default", connection=Redis.from_url(peer.URL))


def add(_job: str, ticket: dict[str, Any], delay_ms: int | None = None) -> None:
    """Enqueue one."""
    queue.enqueue(noop, ticket)


def add_batch(_job: str, tickets: list[dict[str, Any]]) -> None:
    """Enqueue many."""
    queue.enqueue_many([Queue.prepare_data(noop, args=(ticket,)) for ticket in tickets])

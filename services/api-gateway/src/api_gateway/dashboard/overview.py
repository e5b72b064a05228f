"""/job-queues: all queues at a glance."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from api_gateway.dashboard.charts import Sparkline, sparkline
from api_gateway.dashboard.site import Visit
from api_gateway.health import UP
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin

DEAD_LETTER = "dead-letter"
MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue with its chart."""

    queue: job_pb2.Queue
    spark: Sparkline
    is_view: bool
    unserved: bool
    """Jobs wait or will wait, and no live worker takes from the queue."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Over all queues; the dead-letter view is not counted again."""

    waiting: int
    active: int
    delayed: int
    failed: int
    completed: int
    dead: int


@dataclass(frozen=True, slots=True)
class Attention:
    """Which queues somebody has to look at, the worst first: of fifty, one sees them at once."""

    dead: Sequence[job_pb2.Queue]
    more_dead: int
    halted: Sequence[job_pb2.Queue]
    """Jobs wait, and nothing takes them: the queue is paused or has no worker."""
    more_halted: int


async def overview(visit: Visit) -> Response:
    """The page."""
    answer: queue_admin.ListQueuesResponse
    answer, health = await asyncio.gather(visit.call(queue_admin.ListQueuesRequest()), visit.health())
    own = [queue for queue in answer.queues if queue.name != DEAD_LETTER]
    return visit.page(
        "overview.html",
        rows=[row_of(queue) for queue in answer.queues],
        totals=totals_of(own),
        attention=attention_of(own),
        parts=parts_of(health),
    )


def parts_of(health: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Store and audit log, each up, down, or not to be reached."""
    return [
        ("Job store", _state(health["services"]["queue-admin"]["status"], health["redis"]["status"])),
        ("Audit log", _state(health["services"]["audit"]["status"], health["database"]["status"])),
    ]


def _state(service: str, behind: str) -> str:
    return behind if service == UP else "cannot be reached"


def row_of(queue: job_pb2.Queue) -> QueueRow:
    """What the overview shows of a queue."""
    is_view = queue.name == DEAD_LETTER
    return QueueRow(queue, sparkline(queue.minutes), is_view, unserved=not is_view and queue.workers == 0)


def attention_of(own: Sequence[job_pb2.Queue]) -> Attention:
    """Of the queues that hold jobs themselves, those that need somebody."""
    dead = sorted((queue for queue in own if queue.dead), key=lambda queue: -queue.dead)
    halted = sorted(
        (queue for queue in own if queue.waiting and (queue.paused or not queue.workers)),
        key=lambda queue: -queue.waiting,
    )
    return Attention(
        dead[:MOST_NAMED], max(0, len(dead) - MOST_NAMED), halted[:MOST_NAMED], max(0, len(halted) - MOST_NAMED)
    )


def totals_of(own: Sequence[job_pb2.Queue]) -> Totals:
    """The sums over the queues that hold jobs themselves."""
    return Totals(
        waiting=sum(queue.waiting for queue in own),
        active=sum(queue.active for queue in own),
        delayed=sum(queue.delayed for queue in own),
        failed=sum(queue.failed for queue in own),
        completed=sum(queue.completed for queue in own),
        dead=sum(queue.dead for queue in own),
    )

"""taskiq with Redis streams. Its middleware for retries waits for nothing; entries that are done stay in the stream."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import peer
from taskiq import Context, SimpleRetryMiddleware, TaskiqDepends
from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(peer.URL)
if peer.JOB == "flaky":
    broker = broker.with_middlewares(SimpleRetryMiddleware(default_retry_count=peer.TRIES))


@broker.task
async def noop(ticket: dict[str, Any]) -> None:
    peer.mark(ticket["at"])


@broker.task
async def timed(ticket: dict[str, Any]) -> None:
    peer.mark(ticket["at"])
    await asyncio.sleep(peer.SLEEP_SECONDS)


@broker.task(retry_on_error=True)
async def flaky(ticket: dict[str, Any], context: Annotated[Context, TaskiqDepends()]) -> None:
    peer.may_fail(ticket["number"], int(context.message.labels.get("_retries", 0)))
    peer.mark(ticket["at"])


TASKS = {"noop": noop, "timed": timed, "flaky": flaky}


async def set_up() -> None:
    """Connect."""
    await broker.startup()


async def add(job: str, ticket: dict[str, Any], delay_ms: int | None = None) -> None:
    """Enqueue one."""
    await TASKS[job].kiq(ticket)


peer.begin_together()

"""arq. As it comes it looks for jobs twice a second and takes 100 at most, which is its rate. Here: each 10 ms."""

from __future__ import annotations

from typing import Any, ClassVar

import peer
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings

POOL: list[ArqRedis] = []


async def noop(_context: dict[str, Any], ticket: dict[str, Any]) -> None:
    """The job."""
    peer.mark(ticket["at"])


class WorkerSettings:
    """Read by arq's worker."""

    functions: ClassVar[list[Any]] = [noop]
    redis_settings = RedisSettings.from_dsn(peer.URL)
    poll_delay = 0.01
    max_jobs = 100
    keep_result = 0


async def set_up() -> None:
    """Connect."""
    POOL.append(await create_pool(WorkerSettings.redis_settings))


async def add(_job: str, ticket: dict[str, Any], delay_ms: int | None = None) -> None:
    """Enqueue one."""
    await POOL[0].enqueue_job("noop", ticket)


peer.begin_together()

"""Dramatiq's RedisBroker with its default middleware, as it comes."""

from __future__ import annotations

import time
from typing import Any

import dramatiq
import peer
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage

broker = RedisBroker(url=peer.URL)
dramatiq.set_broker(broker)
if peer.JOB == "flaky":  # only this middleware tells a handler which run of its job it is
    broker.add_middleware(CurrentMessage())


@dramatiq.actor
def noop(ticket: dict[str, Any]) -> None:
    peer.mark(ticket["at"])


@dramatiq.actor
def timed(ticket: dict[str, Any]) -> None:
    peer.mark(ticket["at"])
    time.sleep(peer.SLEEP_SECONDS)


@dramatiq.actor(max_retries=peer.TRIES, min_backoff=peer.RETRY_MS, max_backoff=peer.RETRY_MS)
def flaky(ticket: dict[str, Any]) -> None:
    peer.may_fail(ticket["number"], CurrentMessage.get_current_message().options.get("retries", 0))
    peer.mark(ticket["at"])


ACTORS = {"noop": noop, "timed": timed, "flaky": flaky}


def add(job: str, ticket: dict[str, Any], delay_ms: int | None = None) -> None:
    """Enqueue one."""
    ACTORS[job].send_with_options(args=(ticket,), delay=delay_ms)


peer.begin_together()

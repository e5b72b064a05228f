"""Celery on Redis: late acknowledgement as the others have it, no results, its guide's prefetch for short jobs."""

from __future__ import annotations

import time
from typing import Any

import peer
from celery import Celery
from celery.signals import worker_init

app = Celery("bench", broker=peer.URL)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=64,
    worker_hijack_root_logger=False,
    broker_transport_options={"visibility_timeout": 3_600},
)


@app.task
def noop(ticket: dict[str, Any]) -> None:
    peer.mark(ticket["at"])


@app.task
def timed(ticket: dict[str, Any]) -> None:
    peer.mark(ticket["at"])
    time.sleep(peer.SLEEP_SECONDS)


@app.task(bind=True, max_retries=peer.TRIES)
def flaky(self: Any, ticket: dict[str, Any]) -> None:
    try:
        peer.may_fail(ticket["number"], self.request.retries)
    except peer.NotYet as error:
        raise self.retry(exc=error, countdown=peer.RETRY_MS / 1_000) from None
    peer.mark(ticket["at"])


TASKS = {"noop": noop, "timed": timed, "flaky": flaky}


def add(job: str, ticket: dict[str, Any], delay_ms: int | None = None) -> None:
    """Enqueue one."""
    TASKS[job].apply_async((ticket,), countdown=None if delay_ms is None else delay_ms / 1_000)


@worker_init.connect
def _begin(**_signal: Any) -> None:
    peer.begin_together()

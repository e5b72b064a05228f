"""The job service: its engine to enqueue, its worker's broker with declared job types, payload models and metrics."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import dramatiq
import orjson
import peer
from prometheus_client import CollectorRegistry

from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff, BackoffKind
from queue_engine.domain.job import NewJob, new_job_id
from queue_engine.engine import QueueEngine
from service_kit.logs import configure_logging
from worker.actors import declare_actors
from worker.context import JobContext
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.metrics import WorkerMetrics
from worker.job_types import Handler, Payload, job_type

QUEUE = "bench"
AGAIN = Backoff(BackoffKind.FIXED, delay_ms=peer.RETRY_MS, jitter=0)


class Ticket(Payload):
    """What each system carries."""

    ticket_id: str
    property_id: str
    created_by_id: str
    landlord_id: str
    note: str
    number: int
    at: int


@job_type("noop", queue=QUEUE)
def noop(ticket: Ticket, _job: JobContext) -> None:
    """Nothing."""
    peer.mark(ticket.at)


@job_type("timed", queue=QUEUE)
def timed(ticket: Ticket, _job: JobContext) -> None:
    """Takes its time."""
    peer.mark(ticket.at)
    time.sleep(peer.SLEEP_SECONDS)


@job_type("flaky", queue=QUEUE)
def flaky(ticket: Ticket, job: JobContext) -> None:
    """Some fail twice."""
    peer.may_fail(ticket.number, job.attempt - 1)
    peer.mark(ticket.at)


HANDLERS: list[Handler] = [noop, timed, flaky]


@cache
def _engine() -> QueueEngine:
    return QueueEngine.connect(peer.URL)


def _job(job: str, ticket: dict[str, Any], delay_ms: int | None = None) -> NewJob:
    backoff = AGAIN if job == "flaky" else DEFAULT_BACKOFF
    return NewJob(new_job_id(), job, orjson.dumps(ticket), delay_ms=delay_ms, backoff=backoff)


def add(job: str, ticket: dict[str, Any], delay_ms: int | None = None) -> None:
    """Enqueue one."""
    _engine().enqueue_job(QUEUE, _job(job, ticket, delay_ms))


def add_batch(job: str, tickets: list[dict[str, Any]], delays_ms: list[int] | None = None) -> None:
    """Enqueue many in one call."""
    delays: list[int | None] = [*delays_ms] if delays_ms else [None] * len(tickets)
    _engine().enqueue_jobs(QUEUE, [_job(job, *each) for each in zip(tickets, delays, strict=True)])


def work(stopped: Callable[[], object]) -> None:
    """Run jobs until stopped; as WorkerService does it, without its ports."""
    broker = JobBroker(_engine(), threads=peer.AT_ONCE, metrics=WorkerMetrics(CollectorRegistry()))
    declare_actors(broker, HANDLERS, {}, job_types={})
    worker = dramatiq.Worker(broker, worker_threads=peer.AT_ONCE, worker_timeout=1_000)
    peer.begin_together()
    broker.emit_after("process_boot")
    worker.start()
    stopped()


if __name__ == "__main__":
    configure_logging("bench", "0")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    work(stop.wait)
    sys.exit(0)

"""One worker process of a benchmark: `-m load.bench_worker stock|ours URL MARKS GO`: eight threads, an empty job.

It waits for the file GO, so that two processes begin together. Each run of the handler appends two numbers of 8 bytes
to MARKS: when it started and when it was enqueued (monotonic ns; 0: nobody asked). That is all the handler does, and it
costs both systems the same.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from prometheus_client import CollectorRegistry

from queue_engine.engine import QueueEngine
from worker.actors import declare_actors
from worker.context import JobContext
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.metrics import WorkerMetrics
from worker.job_types import Payload, job_type

QUEUE = "bench"
THREADS = 8


class Ticket(Payload):
    """What both systems carry."""

    ticket_id: str
    property_id: str
    created_by_id: str
    landlord_id: str
    note: str
    at: int


def marker(path: str) -> Callable[[int], None]:
    """The handler's only effect."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return lambda at: void(os.write(file, struct.pack("<QQ", time.monotonic_ns(), at)))


def void(_value: object) -> None:
    """Drop it: a value returned would be kept."""


def stock(url: str, mark: Callable[[int], None]) -> dramatiq.Broker:
    """Dramatiq as it comes: its RedisBroker with its default middleware."""
    broker = RedisBroker(url=url)

    @dramatiq.actor(broker=broker, queue_name=QUEUE)
    def noop(ticket: dict[str, Any]) -> None:
        mark(ticket["at"])

    return broker


def ours(url: str, mark: Callable[[int], None]) -> dramatiq.Broker:
    """The worker as it runs in production: a declared job type with its payload model, metrics, log context."""
    broker = JobBroker(QueueEngine.connect(url), threads=THREADS, metrics=WorkerMetrics(CollectorRegistry()))

    @job_type("noop", queue=QUEUE)
    def noop(ticket: Ticket, _job: JobContext) -> None:
        mark(ticket.at)

    declare_actors(broker, [noop], {}, job_types={})
    return broker


def main(kind: str, url: str, marks: str, go: str) -> None:
    """Run until SIGTERM."""
    broker = {"stock": stock, "ours": ours}[kind](url, marker(marks))
    worker = dramatiq.Worker(broker, worker_threads=THREADS)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Path(f"{marks}.ready").touch()
    while not Path(go).exists():
        time.sleep(0.005)
    broker.emit_after("process_boot")
    worker.start()
    while not stop.wait(1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What the log lines of a worker thread say of its job."""

from __future__ import annotations

from typing import Any

import dramatiq
import structlog
from dramatiq.middleware import CurrentMessage

from service_kit.logs import UNDERWAY
from support.workers import running
from worker.dramatiq_broker.broker import JobBroker

QUEUE = "default"


def test_a_threads_log_lines_are_about_its_job_and_what_a_handler_binds_ends_with_it(broker: JobBroker) -> None:
    seen: list[tuple[Any, Any]] = []

    @dramatiq.actor(broker=broker)
    def bind() -> None:
        job = CurrentMessage.get_current_message()
        assert job is not None
        about = {"job_id": job.message_id, "queue": QUEUE, "attempt": 1}
        underway = UNDERWAY.get()
        assert underway is not None
        seen.append((underway.log_fields().items() >= about.items(), structlog.contextvars.get_contextvars()))
        structlog.contextvars.bind_contextvars(tenant="7")

    for _ in range(20):  # more than there are threads
        bind.send()
    with running(broker):
        broker.join(QUEUE, timeout=5_000)

    assert seen == [(True, {})] * 20

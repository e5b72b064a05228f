"""What the log lines of a worker thread say of its job."""

from __future__ import annotations

from typing import Any

import dramatiq
import pytest
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


def test_a_failed_attempt_is_one_line_and_none_of_dramatiqs(
    broker: JobBroker, caplog: pytest.LogCaptureFixture
) -> None:
    @dramatiq.actor(broker=broker, max_retries=0)
    def broken() -> None:
        raise ValueError("with the tenant's name")

    broken.send()
    with structlog.testing.capture_logs() as lines, running(broker):
        broker.join(QUEUE, timeout=5_000)

    failed = {
        "event": "attempt_failed",
        "log_level": "warning",
        "name": "broken",
        "kind": "exception",
        "error_class": "ValueError",
        "will_retry": False,
    }
    assert lines == [failed]
    assert not [record for record in caplog.records if record.name.startswith("dramatiq.worker.WorkerThread")]

from __future__ import annotations

from typing import Any

import pytest
from dramatiq import Message

from queue_engine.domain.backoff import DEFAULT_BACKOFF
from queue_engine.domain.job import NewJob
from queue_engine.domain.lease import Lease
from support.jobs import a_lease
from worker.dramatiq_broker.codec import LONGEST_MS, read_call, to_new_job
from worker.dramatiq_broker.job import NOBODY, Job


def a_message(*args: Any, options: dict[str, Any] | None = None, **kwargs: Any) -> Message[Any]:
    return Message("q", "work", args, kwargs, options or {}, "m1")


def new_job(message: Message[Any], **how: Any) -> NewJob:
    return to_new_job(message, **{"actor": None, "priority": 0, "delay_ms": None, **how})


def leased(lease: Lease) -> Job:
    return Job(lease, read_call(lease), NOBODY, taken_at=0)


def there_and_back(message: Message[Any]) -> Job:
    job = new_job(message)
    return leased(a_lease(data=job.data, options=job.options, name=job.name, job_id=job.job_id))


@pytest.mark.parametrize(
    "message",
    [
        a_message(),
        a_message({"ticketId": "1"}),
        a_message({"a": 1}, {"b": 2}),
        a_message([1, 2]),
        a_message(1, "x", None, y={"z": 1.5}),
        a_message({"a": 1}, options={"pipe_ignore": True}),
        a_message(2**80),
    ],
    ids=["nothing", "payload", "two", "list", "mixed", "options", "large integer"],
)
def test_a_message_comes_back_as_it_was(message: Message[Any]) -> None:
    found = there_and_back(message)

    assert (found.args, found.kwargs, found.options) == (message.args, message.kwargs, message.options)
    assert (found.queue_name, found.actor_name, found.message_id) == ("q", "work", "m1")
    assert found.asdict() == {**message.asdict(), "message_timestamp": found.message_timestamp}


def test_a_payload_is_the_data_itself() -> None:
    job = new_job(a_message({"ticketId": "1"}))

    assert (job.data, job.options) == (b'{"ticketId":"1"}', b"")


def test_the_leased_queue_wins() -> None:
    assert leased(a_lease(queue="real")).queue_name == "real"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff"], ids=["empty", "cut", "bytes"])
def test_unreadable_data_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's words are its own
        read_call(a_lease(data=data))


def test_options_decide_attempts_backoff_limit_and_due_time() -> None:
    options = {"max_retries": 4, "min_backoff": 100, "max_backoff": 400, "time_limit": 5_000, "eta": 123}
    job = new_job(a_message(options=options), priority=7)

    assert (job.attempts, job.backoff.delay_ms, job.backoff.max_delay_ms) == (5, 100, 400)
    assert (job.timeout_ms, job.due_at_ms, job.priority) == (5_000, 123, 7)


def test_defaults_are_the_services_own() -> None:
    job = new_job(a_message(options={"time_limit": float("inf")}), priority=-5, delay_ms=9)

    assert (job.attempts, job.backoff, job.timeout_ms) == (3, DEFAULT_BACKOFF, LONGEST_MS)
    assert (job.priority, job.delay_ms) == (0, 9)

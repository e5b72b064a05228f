from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import pytest

from queue_engine.domain.erasure import subject_fields
from queue_engine.domain.job import Enqueued, JobRef, JobState, NewJob
from queue_engine.domain.job_type import EnqueueOptions, Settling
from queue_engine.domain.lease import Lease, Verdict
from support import sample_jobs
from support.jobs import a_lease
from worker.context import JobContext
from worker.job_types import IMMEDIATE, SUBJECT, MissingResource, Payload, by_name, handlers_in, job_type


class Clock:
    """A resource."""

    now = 7


class Greeting(Payload):
    first_name: str
    times: int = 1


@job_type("greet", queue="mail", id_template="greet-{firstName}", settling=IMMEDIATE, attempts=5)
def greet(payload: Greeting, job: JobContext, clock: Clock) -> str:
    return f"{payload.first_name} {payload.times} {clock.now} {job.attempt}"


class Told(Payload):
    recipient_id: Annotated[str, SUBJECT]
    by: Annotated[str, SUBJECT] | None = None
    text: str


@job_type("told", queue="mail")
def told(payload: Told, job: JobContext) -> None: ...


class Numbered(Payload):
    recipient: Annotated[int, SUBJECT]


class Recorder:
    """What a handler told the queue."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def enqueue_job(self, queue: str, job: NewJob) -> Enqueued:
        self.told.append((queue, job))
        return Enqueued(job.job_id, JobState.WAITING, created=True)

    def set_progress(self, lease: Lease, progress: bytes, *, worker: str) -> Verdict:  # noqa: ARG002
        self.told.append((worker, progress))
        return Verdict.SETTLED

    def add_log(self, lease: Lease, text: str, *, worker: str) -> Verdict:  # noqa: ARG002
        self.told.append((worker, text))
        return Verdict.SETTLED

    def add_children(self, lease: Lease, children: Sequence[JobRef], *, worker: str) -> Verdict:  # noqa: ARG002
        self.told.append((worker, *children))
        return Verdict.SETTLED


def a_context(recorder: Recorder, **changes: Any) -> JobContext:
    return JobContext(a_lease(**changes), queues=recorder, worker="w", job_types=by_name([greet]))


def test_a_declaration_says_all_of_it() -> None:
    declared = greet.job_type

    assert (declared.name, declared.queue, declared.attempts) == ("greet", "mail", 5)
    assert declared.settling is Settling.IMMEDIATE
    assert declared.schema["required"] == ["firstName"]
    assert set(declared.schema["properties"]) == {"firstName", "times"}


def test_a_declaration_tells_the_fields_that_name_a_person() -> None:
    assert subject_fields(told.job_type.schema) == ["recipientId", "by"]


def test_a_mark_that_would_find_nobody_is_refused() -> None:
    def numbered(payload: Numbered, job: JobContext) -> None: ...

    with pytest.raises(ValueError, match="only a text at the top"):
        job_type("numbered", queue="mail")(numbered)


def test_a_handler_is_called_as_it_was_written() -> None:
    assert greet(Greeting(first_name="Ann"), a_context(Recorder(), attempts_made=1), Clock()) == "Ann 1 7 2"


def test_resources_are_found_by_their_type() -> None:
    run = greet.bind({Clock: Clock()})

    assert run(Greeting(first_name="Ann", times=2), a_context(Recorder())) == "Ann 2 7 1"


def test_a_missing_resource_is_named() -> None:
    with pytest.raises(MissingResource, match="the handler of 'greet' needs a Clock"):
        greet.bind({})


def test_every_module_of_a_package_is_searched() -> None:
    found = [handler.job_type.name for handler in handlers_in(sample_jobs)]

    assert found == ["die", "note", "note-now", "third-time-lucky"]


def test_a_name_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'greet' is declared twice"):
        by_name([greet, greet])


def test_fan_out_follows_the_type_of_what_is_enqueued() -> None:
    recorder = Recorder()
    a_context(recorder).enqueue("greet", Greeting(first_name="Ann"))
    a_context(recorder).enqueue("greet", {"firstName": "Bob"}, job_id="mine", options=EnqueueOptions(delay_ms=5))

    (queue, first), (_, second) = recorder.told
    assert queue == "mail"
    assert (first.job_id, first.attempts, first.owner) == ("greet-Ann", 5, "worker")
    assert orjson.loads(first.data) == {"firstName": "Ann", "times": 1}
    assert (second.job_id, second.delay_ms) == ("mine", 5)


def test_the_idempotency_key_is_the_same_for_every_delivery() -> None:
    keys = {a_context(Recorder(), attempts_made=n).idempotency_key for n in range(3)}

    assert keys == {"q:j"}


def test_progress_and_log_lines_go_to_the_job() -> None:
    recorder = Recorder()
    context = a_context(recorder)
    context.progress({"done": 1})
    context.log("one done")

    assert recorder.told == [("w", b'{"done":1}'), ("w", "one done")]

"""Jobs that were accepted before their type changed, run by the handler of after."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from queue_engine.domain.job import FailureKind, JobState, NewJob
from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import running, state_of
from worker.actors import declare_actors
from worker.context import JobContext
from worker.dramatiq_broker.broker import JobBroker
from worker.job_types import Payload, by_name, job_type

QUEUE = "mail"


class Greeting(Payload):
    """Version 2; version 1 said `name`, knew no `times` and had a `color`."""

    first_name: str
    times: int = 1

    @model_validator(mode="before")
    @classmethod
    def upgrade_payload(cls, data: Any) -> Any:
        """As docs/upgrading.md shows it."""
        if isinstance(data, dict) and "firstName" not in data and "name" in data:
            data = {**data, "firstName": data["name"]}
        return data


@job_type("greet", queue=QUEUE, version=2)
def greet(payload: Greeting, job: JobContext) -> list[Any]:
    return [payload.first_name, payload.times]


def test_an_old_payload_is_upgraded_and_runs(broker: JobBroker, engine: QueueEngine) -> None:
    declare_actors(broker, [greet], {}, job_types=by_name([greet]))
    engine.enqueue_job(QUEUE, NewJob("old", "greet", b'{"name": "Tom", "color": "red"}'))
    engine.enqueue_job(QUEUE, NewJob("new", "greet", b'{"firstName": "Eva", "times": 2}'))

    with running(broker):
        wait_until(lambda: engine.count_jobs(QUEUE).completed == 2, within=10)

    assert engine.get_job(QUEUE, "old").job.return_value == b'["Tom",1]'
    assert engine.get_job(QUEUE, "new").job.return_value == b'["Eva",2]'


def test_a_payload_that_cannot_be_upgraded_is_set_aside_with_its_data(broker: JobBroker, engine: QueueEngine) -> None:
    declare_actors(broker, [greet], {}, job_types=by_name([greet]))
    engine.enqueue_job(QUEUE, NewJob("odd", "greet", b'{"who": "Tom"}'))

    with running(broker):
        wait_until(lambda: state_of(engine, QUEUE, "odd") is JobState.FAILED, within=10)

    job = engine.get_job(QUEUE, "odd").job
    assert (job.dead, job.failure_kind, job.data) == (True, FailureKind.PAYLOAD_INVALID, b'{"who": "Tom"}')

"""Handlers that enqueue jobs, run by a real worker on a real store: both sides know each other afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.job import JobRef, JobState
from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import enqueue, running, state_of
from worker.actors import declare_actors
from worker.context import JobContext
from worker.dramatiq_broker.broker import JobBroker
from worker.failures import Permanent
from worker.job_types import Payload, by_name, job_type


class Nothing(Payload):
    pass


@job_type("tell", queue="family", id_template="")
def tell(payload: Nothing, job: JobContext) -> None:
    for person in ("anna", "boris"):
        job.enqueue("listen", {}, job_id=f"{job.job_id}-{person}")


@job_type("tell-and-fail", queue="family", id_template="")
def tell_and_fail(payload: Nothing, job: JobContext) -> None:
    tell(payload, job)
    raise Permanent("enough said")


@job_type("listen", queue="ears")
def listen(payload: Nothing, job: JobContext) -> None:
    """Do nothing."""


HANDLERS = [tell, tell_and_fail, listen]


def run(engine: QueueEngine, broker: JobBroker, name: str) -> str:
    """Run a job of this type and all that follows from it; its id."""
    declare_actors(broker, HANDLERS, {}, job_types=by_name(HANDLERS))
    job_id = enqueue(engine, "family", name, {})
    with running(broker):
        wait_until(lambda: state_of(engine, "family", job_id) in (JobState.COMPLETED, JobState.FAILED))
        wait_until(lambda: engine.count_jobs("ears").completed == 2)
    return job_id


@pytest.mark.parametrize("name", ["tell", "tell-and-fail"])
def test_parent_and_children_know_each_other_however_the_handler_ended(
    engine: QueueEngine, broker: JobBroker, name: str
) -> None:
    job_id = run(engine, broker, name)

    children = [JobRef("ears", f"{job_id}-{person}") for person in ("anna", "boris")]
    assert engine.get_job("family", job_id).children == tuple(children)
    for child in children:
        found = engine.get_job("ears", child.job_id)
        assert (found.job.parent, found.children) == (JobRef("family", job_id), ())


def test_a_store_that_cannot_note_the_children_costs_the_job_nothing(
    engine: QueueEngine, broker: JobBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(engine, "add_children", away)

    job_id = run(engine, broker, "tell")

    found = engine.get_job("family", job_id)
    assert (found.job.state, found.job.deliveries, found.children) == (JobState.COMPLETED, 1, ())


def test_a_handler_that_enqueues_nothing_asks_the_store_for_nothing(
    engine: QueueEngine, make_broker: Callable[..., JobBroker], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(engine, "add_children", lambda *args, **_: asked.append(args))

    run(engine, make_broker(), "tell")

    assert len(asked) == 1  # by the parent, once for both; the children enqueue nothing

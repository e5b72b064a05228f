from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from queue_admin import job_types
from queue_admin.job_types import JobTypeRegistry
from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.job_type import JobType
from queue_engine.engine import QueueEngine
from service_kit.errors import ServiceError

CREATED = JobType("ticket.created", "tickets", 1, {"type": "object"})


class Engine:
    """A registry of job types that can be away."""

    def __init__(self, *known: JobType) -> None:
        self.known, self.reads, self.away = list(known), 0, False

    def list_job_types(self) -> list[JobType]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable
        return self.known


class Clock:
    """time.monotonic as the tests want it."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(job_types, "time", found)
    return found


def a_registry(engine: Engine) -> JobTypeRegistry:
    return JobTypeRegistry(cast("QueueEngine", engine))


def test_the_store_is_asked_every_two_seconds_not_for_every_job(clock: Clock) -> None:
    engine = Engine(CREATED)
    registry = a_registry(engine)

    for _ in range(50):
        registry.find("tickets", "ticket.created")
        clock.now += 0.1

    assert engine.reads == 3


def test_schemas_are_compiled_once_per_version(clock: Clock) -> None:
    engine = Engine(CREATED)
    registry = a_registry(engine)
    first = registry.find("tickets", "ticket.created")
    clock.now += 10
    assert registry.find("tickets", "ticket.created") is first

    engine.known = [replace(CREATED, version=2)]
    clock.now += 10

    assert registry.find("tickets", "ticket.created").job_type.version == 2


def test_unknown_names_do_not_ask_the_store_each_time(clock: Clock) -> None:
    engine = Engine(CREATED)
    registry = a_registry(engine)

    for _ in range(100):
        with pytest.raises(ServiceError, match="there is no job type 'x'"):
            registry.find("tickets", "x")

    assert engine.reads == 1


def test_while_the_store_is_away_what_was_known_still_is(clock: Clock) -> None:
    engine = Engine(CREATED)
    registry = a_registry(engine)
    registry.find("tickets", "ticket.created")
    engine.away = True
    clock.now += 10

    assert registry.find("tickets", "ticket.created").job_type is CREATED


def test_a_store_that_was_never_there_is_said(clock: Clock) -> None:
    engine = Engine(CREATED)
    engine.away = True

    with pytest.raises(StoreUnavailable):
        a_registry(engine).find("tickets", "ticket.created")


def test_a_schema_that_cannot_be_compiled_makes_only_its_own_type_unknown(clock: Clock) -> None:
    registry = a_registry(Engine(CREATED, JobType("broken", "tickets", 1, {"type": "strnig"})))

    registry.find("tickets", "ticket.created")
    with pytest.raises(ServiceError, match="there is no job type 'broken'"):
        registry.find("tickets", "broken")


def test_the_list_of_known_types_is_bounded(clock: Clock) -> None:
    registry = a_registry(Engine(*(replace(CREATED, name=f"type.{n:03}") for n in range(300))))

    with pytest.raises(ServiceError) as caught:
        registry.find("tickets", "x")

    assert caught.value.metadata["known"].endswith("type.019, …")

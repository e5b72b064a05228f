"""The states of a job as docs/concepts.md draws them, judged by trying every event in every state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
import redis

from engine.builders import Clock, Worker, a_failure, a_job, an_action, state_of
from handbook.states import DRAWING, TRANSITIONS, drawing
from queue_engine.domain.errors import WrongState
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Completed, Deferred, Interrupted, Lease, Outcome, Released
from queue_engine.engine import QueueEngine

LATER_MS = 3_600_000
JOB = "job-1"


class Life:
    """One job in a queue of its own, brought into a state, to which an event then happens."""

    def __init__(self, engine: QueueEngine, client: redis.Redis, queue: str) -> None:
        self.engine, self.queue = engine, queue
        self.clock, self.worker = Clock(client, queue), Worker(engine, queue=queue)
        self.lease: Lease | None = None

    def reach(self, state: JobState) -> None:
        self.engine.enqueue_job(self.queue, a_job(delay_ms=LATER_MS if state is JobState.DELAYED else None))
        if state in {JobState.ACTIVE, JobState.COMPLETED, JobState.FAILED}:
            self.lease = self.worker.take_one()
        if state is JobState.COMPLETED:
            self.report(Completed(b"1"))
        if state is JobState.FAILED:
            self.report(a_failure(retry_delay_ms=None))
        assert self.state() is state

    def state(self) -> JobState:
        return state_of(self.engine, JOB, self.queue)

    def report(self, outcome: Outcome) -> None:
        """What the worker that had the job last says; a word too late where it does not have it now."""
        if self.lease is not None:
            self.worker.report(self.lease, outcome)

    def lose_lease(self) -> None:
        if self.state() is JobState.ACTIVE:
            self.clock.expire_lease(JOB)
        self.engine.reap_leases(self.queue)

    def lose_three_leases(self) -> None:
        self.lose_lease()
        for _ in range(2 * (self.state() is JobState.WAITING and self.lease is not None)):
            self.worker.take_one()
            self.lose_lease()

    def come_due(self) -> None:
        if self.state() is JobState.DELAYED:
            self.clock.make_due(JOB)
        self.engine.promote_jobs(self.queue)

    def cancel(self) -> None:
        self.engine.cancel_job(self.queue, JOB, action=an_action())

    def interrupt(self) -> None:
        if self.state() is JobState.ACTIVE:
            self.cancel()
        self.report(Interrupted())

    def reschedule(self, due_at_ms: int | None) -> None:
        self.engine.reschedule_job(self.queue, JOB, due_at_ms=due_at_ms, action=an_action())


EVENTS: dict[str, Callable[[Life], object]] = {
    "taken": lambda life: life.worker.take(1),
    "put off": lambda life: life.reschedule(4_102_488_000_000),
    "run now": lambda life: life.reschedule(None),
    "cancelled": Life.cancel,
    "due": Life.come_due,
    "returned": lambda life: life.report(Completed(b"1")),
    "attempt failed": lambda life: life.report(a_failure(retry_delay_ms=LATER_MS)),
    "last attempt failed": lambda life: life.report(a_failure(retry_delay_ms=None)),
    "deferred": lambda life: life.report(Deferred("away", LATER_MS)),
    "given back": lambda life: life.report(Released()),
    "lease lost": Life.lose_lease,
    "third lease lost": Life.lose_three_leases,
    "interrupted by a cancel": Life.interrupt,
    "retried": lambda life: life.engine.retry_job(life.queue, JOB, action=an_action()),
}


@pytest.mark.parametrize("state", JobState)
def test_events_lead_where_the_diagram_says_and_nowhere_else(
    engine: QueueEngine, client: redis.Redis, state: JobState
) -> None:
    led_to = {}
    for number, (event, happen) in enumerate(EVENTS.items()):
        life = Life(engine, client, f"events-{number}")
        life.reach(state)
        with suppress(WrongState):
            happen(life)
        led_to[event] = life.state()

    assert led_to == {event: TRANSITIONS.get((state, event), state) for event in EVENTS}


def test_every_event_of_the_diagram_is_tried() -> None:
    assert {event for _, event in TRANSITIONS} == set(EVENTS)


def test_the_drawing_shows_these_transitions() -> None:
    assert DRAWING.read_text() == drawing(), "run: PYTHONPATH=deploy .venv/bin/python -m handbook.states"

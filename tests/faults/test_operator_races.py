"""F27: operators retry, remove, cancel, pause and purge while workers run the very same jobs."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from faults.support.arena import Arena
from faults.support.job_types.ledgered import QUEUE
from faults.support.load import Backend
from queue_engine.domain.audit import Action
from queue_engine.domain.bulk import JobFilter
from queue_engine.domain.errors import JobNotFound, WrongState
from queue_engine.domain.job import JobState

VERBS = ("cancel", "remove", "retry")
ACTIONS = 150


class Operator(threading.Thread):
    """Does what comes to mind to jobs that are there, and notes each answer."""

    def __init__(self, arena: Arena, dice: random.Random, backend: Backend) -> None:
        super().__init__(daemon=True)
        self._arena, self._dice, self._backend = arena, dice, backend

    def run(self) -> None:
        for _ in range(ACTIONS):
            job_id = self._dice.choice(self._backend.accepted[-60:])
            self._act(self._dice.choice(VERBS), job_id)
            if self._dice.random() < 0.1:
                self._pause()

    def _act(self, verb: str, job_id: str) -> None:
        engine, ledger = self._arena.engine, self._arena.ledger
        action = Action(uuid.uuid4().hex, "ops", reason="a race")
        ledger.write("act", job_id, verb=verb, phase="invoked")
        outcome = ""
        try:
            outcome = getattr(engine, f"{verb}_job")(QUEUE, job_id, action=action) or ""
        except (JobNotFound, WrongState):
            ledger.write("act", job_id, verb=verb, phase="refused")
        else:
            ledger.write("act", job_id, verb=verb, phase="acked", outcome=outcome)

    def _pause(self) -> None:
        engine, ledger = self._arena.engine, self._arena.ledger
        for verb, call in (("pause", engine.pause_queue), ("resume", engine.resume_queue)):
            changed = call(QUEUE, action=Action(uuid.uuid4().hex, "ops"))
            ledger.write("act", "", verb=verb, phase="acked" if changed else "refused")


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk action that was done between two moments."""

    event_id: str
    done: int
    since: float
    at: float


def retry_all(arena: Arena) -> Bulk:
    """Retry what failed, whatever it is by now."""
    action, since = Action(uuid.uuid4().hex, "ops", reason="all"), time.monotonic()
    done = arena.engine.retry_jobs(QUEUE, JobFilter(state=JobState.FAILED, limit=20), action=action).done
    return Bulk(action.event_id, done, since, time.monotonic())


def note_retries(arena: Arena, bulks: list[Bulk]) -> None:
    """Which jobs a bulk action retried stands in its records only; there are as many as it said."""
    with redis.Redis.from_url(arena.url, decode_responses=True) as client:
        stream: Any = client.xrange(f"jobs:{{{QUEUE}}}:audit")
    retried: dict[str, list[str]] = defaultdict(list)
    for _, record in stream:
        retried[record["event"].partition(":")[0]].append(record["job"])
    for bulk in bulks:
        assert len(retried[bulk.event_id]) == bulk.done
        for job_id in retried[bulk.event_id]:
            arena.ledger.write("act", job_id, verb="retry", phase="acked", since=bulk.since, at=bulk.at)


@pytest.mark.parametrize("bulk", [False, True])
def test_every_race_of_operators_and_workers_has_one_winner_and_one_record(
    arena: Arena, dice: random.Random, *, bulk: bool
) -> None:
    arena.worker()
    arena.worker()
    backend = Backend(
        arena.ledger, arena.submit(seconds=0.03, failures=1, attempts=1), prefix="race", pause=0.003, most=600
    )
    backend.start()
    while len(backend.accepted) < 30:
        backend.join(0.05)
    operators = [Operator(arena, random.Random(dice.random()), backend) for _ in range(3)]  # noqa: S311 - chooses races
    for operator in operators:
        operator.start()
    bulks: list[Bulk] = []
    while bulk and any(operator.is_alive() for operator in operators):
        bulks.append(retry_all(arena))
    for operator in operators:
        operator.join(60)
        assert not operator.is_alive()
    backend.stop()
    arena.engine.resume_queue(QUEUE, action=Action(uuid.uuid4().hex, "ops"))
    arena.come_to_rest()
    note_retries(arena, bulks)
    retries = arena.snapshot().totals.get("manual_retries", 0)
    assert retries == sum((act.verb, act.phase) == ("retry", "acked") for act in arena.history().acts)
    arena.verdict(
        "F27 (in bulk)" if bulk else "F27",
        "three operators retry, remove, cancel, pause and resume while workers run"
        + (" and all failed jobs are retried again and again" if bulk else ""),
        recovery=[],
        within=0,
        note="each success has one audit record",
        audit=True,
    )

"""Schedules, and the scheduler's step, for the engine's tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from engine.builders import QUEUE, a_job, an_action
from queue_engine.domain.job import JobState, NewJob
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import Schedule, ScheduleSpec
from queue_engine.engine import QueueEngine

HOURLY = Recurrence(interval_ms=3_600_000)


def a_spec(schedule_id: str = "nightly", recurrence: Recurrence = HOURLY, **fields: Any) -> ScheduleSpec:
    return ScheduleSpec(**{"name": "ticket.created", "data": b'{"ticketId":1}', **fields}, schedule_id=schedule_id,
                        recurrence=recurrence)  # fmt: skip


def upsert(engine: QueueEngine, spec: ScheduleSpec | None = None, *, revision: int | None = None) -> Schedule:
    return engine.schedules.upsert_schedule(QUEUE, spec or a_spec(), action=an_action("because"), revision=revision)[0]


def ids_in(engine: QueueEngine, state: JobState = JobState.WAITING) -> list[str]:
    return [job.job_id for job in engine.list_jobs(QUEUE, state, offset=0, limit=100).jobs]


def job_of(schedule: Schedule, due_ms: int) -> NewJob:
    return a_job(schedule.spec.job_id_at(due_ms), data=schedule.spec.data_at(due_ms))


@dataclass(frozen=True, slots=True)
class Runner:
    """What a queue-admin does with the engine, and time that passes."""

    engine: QueueEngine
    client: redis.Redis
    queue: str = QUEUE

    def run_due(self) -> list[str | None]:
        """One pass."""
        due = self.engine.schedules.list_due_schedules(self.queue)
        return [self.run(schedule, due.now_ms) for schedule in due.schedules]

    def run(self, schedule: Schedule, now_ms: int, *, problem: str = "") -> str | None:
        """Run one as it was read then."""
        run = schedule.due_run(now_ms)
        job = None if run.skipped or problem else job_of(schedule, run.due_ms)
        return self.engine.schedules.run_schedule(schedule, run, job=job, problem=problem)

    def make_due(self, schedule_id: str, *, late_ms: int = 0) -> int:
        """Let it be due since the last of its times that is at least `late_ms` ago; that time."""
        now_ms, schedule = self.engine.schedules.read_schedule(self.queue, schedule_id)
        recurrence = schedule.spec.recurrence
        due, _ = recurrence.latest(recurrence.next_after(now_ms - late_ms - 400 * 86_400_000), now_ms - late_ms)
        self.client.hset(f"jobs:{{{self.queue}}}:sc:{schedule_id}", "next", due)
        assert self.client.zadd(f"jobs:{{{self.queue}}}:schedules", {schedule_id: due}, xx=True, ch=True)
        return due

"""Runs schedules that are due. Every queue-admin does: of all who try, the store lets one through for each due time."""

from __future__ import annotations

import structlog

from queue_admin.loops.each_queue import for_each_queue
from queue_admin.schedules import ScheduleDesk, refusal_of
from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.job import NewJob
from queue_engine.domain.schedule import Schedule
from queue_engine.engine import QueueEngine

log = structlog.get_logger()
EVERY_SECONDS = 1.0
SOONEST_SECONDS = 0.01


class Scheduler:
    """Safe to run in many processes at once. `wait_seconds` tells how long to wait before the next pass."""

    def __init__(self, engine: QueueEngine, desk: ScheduleDesk) -> None:
        self._engine, self._desk = engine, desk
        self._next_in_ms: float = EVERY_SECONDS * 1_000

    def tick(self) -> int:
        """Run what is due, up to 100 schedules of each queue; returns how many runs there were."""
        self._next_in_ms = EVERY_SECONDS * 1_000
        return for_each_queue(self._engine, self._tend)

    def wait_seconds(self) -> float:
        """Until the next schedule is due, at most EVERY_SECONDS: one may be made or changed meanwhile."""
        return max(self._next_in_ms / 1_000, SOONEST_SECONDS)

    def _tend(self, queue: str) -> int:
        due = self._engine.schedules.list_due_schedules(queue)
        if due.next_ms is not None:
            self._next_in_ms = min(self._next_in_ms, due.next_ms - due.now_ms)
        return sum(self._run_safely(schedule, due.now_ms) for schedule in due.schedules)

    def _run_safely(self, schedule: Schedule, now_ms: int) -> int:
        """One schedule that cannot be run, for whatever reason, stays due and is seen as overdue; the others go on."""
        try:
            return self._run(schedule, now_ms)
        except StoreUnavailable:
            raise
        except Exception as error:
            name = schedule.spec.schedule_id
            log.warning("schedule_not_run", queue=schedule.queue, schedule=name, error=str(error), exc_info=error)
            return 0

    def _run(self, schedule: Schedule, now_ms: int) -> int:
        run = schedule.due_run(now_ms)
        job, problem = (None, "") if run.skipped else self._job(schedule, run.due_ms)
        outcome = self._engine.schedules.run_schedule(schedule, run, job=job, problem=problem)
        if outcome is None:
            return 0
        told = log.warning if problem else log.info
        told(
            "schedule_run",
            queue=schedule.queue,
            schedule=schedule.spec.schedule_id,
            outcome=outcome,
            job_id=job.job_id if job else None,
            late_ms=now_ms - run.due_ms,
            missed=run.missed,
            problem=problem or None,
        )
        return 1

    def _job(self, schedule: Schedule, due_ms: int) -> tuple[NewJob | None, str]:
        """The job to make, or why there is none. What may be otherwise a moment later is raised: the run stays due."""
        try:
            return self._desk.to_job(schedule, due_ms), ""
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            fields = "; ".join(f"{item.field} {item.problem}" for item in refusal.fields)
            return None, f"{refusal.reason}: {refusal.detail}" + (f" ({fields})" if fields else "")

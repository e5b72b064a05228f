"""Schedules as callers write them and as they see them."""

from __future__ import annotations

from itertools import islice

from jobqueue.queue.v1 import queue_admin_service_pb2, schedule_pb2
from queue_admin.convert import as_json, from_backoff, to_backoff
from queue_engine.domain.backoff import Backoff
from queue_engine.domain.job_type import DefaultSchedule
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import CatchUp, RunOutcome, Schedule, ScheduleRun, ScheduleSpec

UPCOMING = 5
UTC = "UTC"
_CATCH_UP_TO_WIRE = {CatchUp.ONE: schedule_pb2.CATCH_UP_ONE, CatchUp.SKIP: schedule_pb2.CATCH_UP_SKIP}
_OUTCOME_TO_WIRE: dict[RunOutcome, schedule_pb2.ScheduleRunOutcome.ValueType] = {
    outcome: schedule_pb2.ScheduleRunOutcome.Value(f"SCHEDULE_RUN_OUTCOME_{outcome.name}") for outcome in RunOutcome
}


def to_spec(request: queue_admin_service_pb2.UpsertScheduleRequest, job_type_backoff: Backoff) -> ScheduleSpec:
    """What the request says."""
    given = {field.name: value for field, value in request.opts.ListFields()}
    return ScheduleSpec(
        schedule_id=request.schedule_id,
        name=request.name,
        data=request.data or b"{}",
        recurrence=Recurrence(request.cron.strip(), request.interval, request.time_zone or UTC),
        catch_up=CatchUp.SKIP if request.catch_up == schedule_pb2.CATCH_UP_SKIP else CatchUp.ONE,
        priority=given.get("priority"),
        attempts=given.get("attempts"),
        backoff=to_backoff(request.opts.backoff, job_type_backoff) if "backoff" in given else None,
        timeout_ms=given.get("timeout"),
    )


def to_default_spec(name: str, default: DefaultSchedule) -> ScheduleSpec:
    """The schedule that the job type of that name comes with."""
    recurrence = Recurrence(default.cron, 0, default.time_zone)
    return ScheduleSpec(default.schedule_id, name, default.data.encode(), recurrence)


def from_schedule(schedule: Schedule) -> schedule_pb2.Schedule:
    """The schedule as readers see it; without data when it was listed."""
    spec, recurrence = schedule.spec, schedule.spec.recurrence
    return schedule_pb2.Schedule(
        queue=schedule.queue,
        id=spec.schedule_id,
        name=spec.name,
        data=as_json(spec.data) if spec.data else b"",
        opts=_options(spec),
        cron=recurrence.cron or None,
        interval=recurrence.interval_ms or None,
        time_zone=recurrence.time_zone,
        recurrence=recurrence.words,
        catch_up=_CATCH_UP_TO_WIRE[spec.catch_up],
        paused=schedule.paused,
        paused_by=schedule.paused_by,
        paused_reason=schedule.paused_reason,
        paused_at=schedule.paused_at_ms,
        next_run=schedule.next_run_ms,
        last_run=_run(schedule.last_run) if schedule.last_run else None,
        runs_total=schedule.runs,
        failed_total=schedule.failed,
        missed_total=schedule.missed,
        created_by=schedule.created_by,
        created_at=schedule.created_at_ms,
        updated_by=schedule.updated_by,
        updated_at=schedule.updated_at_ms,
        revision=schedule.revision,
    )


def upcoming(schedule: Schedule, now_ms: int) -> list[int]:
    """The next times it is due."""
    first = schedule.upcoming(now_ms)
    return [first, *islice(schedule.spec.recurrence.after(first), UPCOMING - 1)]


def _options(spec: ScheduleSpec) -> schedule_pb2.ScheduleOptions:
    return schedule_pb2.ScheduleOptions(
        priority=spec.priority,
        attempts=spec.attempts,
        backoff=from_backoff(spec.backoff) if spec.backoff else None,
        timeout=spec.timeout_ms,
    )


def _run(run: ScheduleRun) -> schedule_pb2.ScheduleRun:
    return schedule_pb2.ScheduleRun(
        due_at=run.due_ms,
        ran_at=run.ran_at_ms,
        outcome=_OUTCOME_TO_WIRE[run.outcome],
        job_id=run.job_id,
        problem=run.problem,
        missed=run.missed,
        run_by=run.run_by,
    )

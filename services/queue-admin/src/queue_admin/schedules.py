"""Schedules as people handle them, and the jobs that are made from them: type and payload are checked each time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import structlog

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2
from queue_admin.actions import action_of
from queue_admin.errors import translate
from queue_admin.job_types import JobTypeRegistry
from queue_admin.payload import parse_payload
from queue_admin.schedule_messages import to_default_spec, to_spec
from queue_engine.domain.errors import InvalidArgument, ScheduleChanged
from queue_engine.domain.job import NewJob
from queue_engine.domain.job_type import JobType, resolve
from queue_engine.domain.limits import check_queue_name
from queue_engine.domain.schedule import Schedule, ScheduleSpec
from queue_engine.engine import QueueEngine
from service_kit.errors import FieldError, ServiceError
from service_kit.tokens import Caller

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Upserted:
    """A schedule as it is, or in a dry run as it would be."""

    schedule: Schedule
    now_ms: int
    outcome: job_pb2.ActionOutcome.ValueType


class ScheduleDesk:
    """Makes, changes and runs schedules. Raises ServiceError and what the engine raises."""

    def __init__(self, engine: QueueEngine, job_types: JobTypeRegistry) -> None:
        self._engine, self._schedules, self._job_types = engine, engine.schedules, job_types

    def upsert_schedule(self, request: queue_admin_service_pb2.UpsertScheduleRequest, caller: Caller) -> Upserted:
        """Make or change a schedule whose job could be enqueued now; in a dry run only say what would be."""
        check_queue_name(request.queue)
        known = self._job_types.find(request.queue, request.name)
        spec = to_spec(request, known.job_type.backoff)
        spec.recurrence.check()
        draft = self._draft(request.queue, spec, caller)
        self.to_job(draft.schedule, draft.schedule.upcoming(draft.now_ms))
        revision = request.revision if request.HasField("revision") else None
        if request.dry_run:
            self._check_revision(draft, revision)
            return draft
        action = action_of(caller, request.reason)
        schedule, changed = self._schedules.upsert_schedule(request.queue, spec, action=action, revision=revision)
        outcome = draft.outcome if changed else job_pb2.ACTION_OUTCOME_UNCHANGED
        return Upserted(schedule, draft.now_ms, outcome)

    def create_default_schedules(self, job_types: Iterable[JobType], caller: Caller) -> None:
        """Make the schedules that come with job types, each once for ever."""
        for job_type in job_types:
            if job_type.default_schedule is None:
                continue
            spec = to_default_spec(job_type.name, job_type.default_schedule)
            if self._schedules.create_default_schedule(job_type.queue, spec, action=action_of(caller)):
                log.info("default_schedule_made", queue=job_type.queue, schedule=spec.schedule_id)

    def list_schedules(self, queue: str | None) -> list[Schedule]:
        """Those of one queue, or all, by queue and id."""
        queues = self._engine.list_queues() if queue is None else [queue]
        return [schedule for name in queues for schedule in self._schedules.list_schedules(name).schedules]

    def run_schedule_now(self, queue: str, schedule_id: str, caller: Caller, *, reason: str) -> str:
        """Enqueue one of its jobs; the job's id, which no other call makes again."""
        now_ms, schedule = self._schedules.read_schedule(queue, schedule_id)
        action = action_of(caller, reason)
        job = self.to_job(schedule, now_ms, job_id=f"{schedule_id}:by-hand-{action.event_id[:16]}")
        self._schedules.run_schedule_now(schedule, job, action=action)
        return job.job_id

    def to_job(self, schedule: Schedule, due_ms: int, *, job_id: str = "") -> NewJob:
        """The job that is due then; raises ServiceError for one of REFUSED_FOR_GOOD."""
        spec = schedule.spec
        known = self._job_types.find(schedule.queue, spec.name)
        data = spec.data_at(due_ms)
        payload = parse_payload(data)
        known.schema.check(payload)
        options = spec.options(job_id or spec.job_id_at(due_ms))
        try:
            job = resolve(known.job_type, payload, data, options, owner=f"schedule:{spec.schedule_id}")
        except InvalidArgument as error:
            problem = FieldError(error.field, error.problem)
            raise ServiceError("PAYLOAD_INVALID", f"{error.field} {error.problem}", (problem,)) from error
        return job

    def _draft(self, queue: str, spec: ScheduleSpec, caller: Caller) -> Upserted:
        """The schedule as it would be after the change."""
        now_ms, found = self._schedules.find_schedule(queue, spec.schedule_id)
        if found is None:
            next_ms = spec.recurrence.next_after(now_ms)
            made = Schedule(queue, spec, 0, next_ms, caller.subject, now_ms, caller.subject, now_ms)
            return Upserted(made, now_ms, job_pb2.ACTION_OUTCOME_CREATED)
        if self._schedules.says_the_same(found, spec):
            return Upserted(found, now_ms, job_pb2.ACTION_OUTCOME_UNCHANGED)
        changed = replace(found, spec=spec)
        if not found.paused:
            changed = replace(changed, next_run_ms=changed.upcoming(now_ms))
        return Upserted(changed, now_ms, job_pb2.ACTION_OUTCOME_UPDATED)

    def _check_revision(self, draft: Upserted, revision: int | None) -> None:
        if revision is not None and revision != draft.schedule.revision:
            raise ScheduleChanged(draft.schedule.queue, draft.schedule.spec.schedule_id)


def refusal_of(error: Exception) -> ServiceError | None:
    """Why a job cannot be made, None for what may be otherwise a moment later."""
    said = error if isinstance(error, ServiceError) else translate(error)
    return said if said and said.reason in REFUSED_FOR_GOOD else None


REFUSED_FOR_GOOD = frozenset({"JOB_TYPE_UNKNOWN", "PAYLOAD_INVALID", "INVALID_REQUEST", "TOO_LARGE"})

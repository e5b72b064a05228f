"""Handing over jobs: type, payload, schema and options are checked here, the engine accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2
from queue_admin.actions import action_of, is_operator
from queue_admin.convert import STATE_TO_WIRE, to_options
from queue_admin.errors import translate
from queue_admin.job_types import JobTypeRegistry
from queue_admin.payload import parse_payload
from queue_engine.domain.errors import InvalidArgument, QueueReserved
from queue_engine.domain.job import DEAD_LETTER_QUEUE, Enqueued, IfExists, NewJob
from queue_engine.domain.job_type import resolve
from queue_engine.domain.trace import carrying
from queue_engine.engine import QueueEngine
from service_kit import tracing
from service_kit.context import request_id
from service_kit.errors import FieldError, ServiceError
from service_kit.tokens import Caller

Result = Enqueued | Exception


class Enqueuer:
    """Turns what callers hand over into jobs; what a person enqueues or replaces is audited, a backend's is not."""

    def __init__(self, engine: QueueEngine, job_types: JobTypeRegistry) -> None:
        self._engine, self._job_types = engine, job_types

    def enqueue_job(self, request: queue_admin_service_pb2.EnqueueJobRequest, caller: Caller) -> Enqueued:
        """Accept one job; raises ServiceError or an engine error."""
        _refuse_dead_letter(request.queue)
        job = self.to_job(request.queue, request.name, request.data, request.opts, caller)
        action = action_of(caller) if is_operator(caller) else None
        with tracing.sending(request.queue, job.job_id):
            return self._engine.enqueue_job(request.queue, carrying(job, tracing.carrier()), action=action)

    def enqueue_jobs(
        self, queue: str, requests: Sequence[queue_admin_service_pb2.NewJob], caller: Caller
    ) -> list[tuple[str, Result]]:
        """Accept many jobs of one queue in one engine call; id and result of each, in order."""
        _refuse_dead_letter(queue)
        checked = [self._checked(queue, request, caller, index) for index, request in enumerate(requests)]
        jobs = [job for job in checked if isinstance(job, NewJob)]
        action = action_of(caller) if is_operator(caller) else None
        with tracing.sending(queue, "", count=len(jobs)):
            sent = [carrying(job, tracing.carrier(), is_batch=len(jobs) > 1) for job in jobs]
            accepted = iter(self._engine.enqueue_jobs(queue, sent, action=action) if jobs else ())
        return [(job.job_id, next(accepted)) if isinstance(job, NewJob) else ("", job) for job in checked]

    def to_job(self, queue: str, name: str, data: bytes, opts: job_pb2.JobOptions, caller: Caller) -> NewJob:
        """The job to accept; raises ServiceError JOB_TYPE_UNKNOWN, PAYLOAD_INVALID, INVALID_REQUEST or TOO_LARGE."""
        known = self._job_types.find(queue, name)
        options = to_options(opts, known.job_type.backoff)
        if options.if_exists is IfExists.REPLACE and not is_operator(caller):
            options = replace(options, if_exists=IfExists.REPLACE_OWN)
        payload = parse_payload(data)
        known.schema.check(payload)
        try:
            job = resolve(known.job_type, payload, data, options, owner=caller.subject)
        except InvalidArgument as error:  # the contract has checked the options: it lies in the payload
            field = error.field if error.field.startswith("data.") else "data"
            problem = error.problem if field == error.field else f"makes a job id that {error.problem}"
            raise ServiceError("PAYLOAD_INVALID", f"{field} {problem}", (FieldError(field, problem),)) from error
        return job if job.if_exists is IfExists.RETURN else job._replace(request=request_id())

    def _checked(
        self, queue: str, request: queue_admin_service_pb2.NewJob, caller: Caller, index: int
    ) -> NewJob | Exception:
        try:
            job = self.to_job(queue, request.name, request.data, request.opts, caller)
        except ServiceError as error:
            return error
        return job._replace(request=f"{job.request}:{index}") if job.request else job  # one call may replace it twice


def _refuse_dead_letter(queue: str) -> None:
    if queue == DEAD_LETTER_QUEUE:
        raise QueueReserved(queue)


def to_result(job_id: str, result: Result) -> queue_admin_service_pb2.EnqueueResult:
    """One job's answer in a batch; raises what is no refusal of that job."""
    if isinstance(result, Enqueued):
        return queue_admin_service_pb2.EnqueueResult(
            id=result.job_id, status=STATE_TO_WIRE[result.state], created=result.created
        )
    refusal = result if isinstance(result, ServiceError) else translate(result)
    if refusal is None:
        raise result
    problems = (
        "; ".join(f"{f.field} {f.problem}" for f in refusal.fields) if refusal.reason == "PAYLOAD_INVALID" else ""
    )
    detail = f"{refusal.detail}: {problems}" if problems else refusal.detail
    return queue_admin_service_pb2.EnqueueResult(id=job_id, code=refusal.reason, detail=detail)

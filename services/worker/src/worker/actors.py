"""Makes Dramatiq actors of the declared job types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import dramatiq
from pydantic import TypeAdapter, ValidationError

from queue_engine.domain.job import Enqueued, JobRef, NewJob
from queue_engine.domain.job_type import JobType, Settling
from queue_engine.domain.lease import Lease, Verdict
from worker.context import JobContext
from worker.dramatiq_broker.attempts import PayloadInvalid
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.codec import dumps
from worker.job_types import Handler


def declare_actors(
    broker: JobBroker,
    handlers: Iterable[Handler],
    resources: Mapping[type, object],
    *,
    job_types: Mapping[str, JobType],
) -> None:
    """Declare an actor for each handler. `job_types` are all that handlers may enqueue. Raises MissingResource."""
    for handler in handlers:
        declared = handler.job_type
        run = _runner(broker, handler, handler.bind(resources), job_types)
        dramatiq.actor(actor_name=declared.name, queue_name=declared.queue, broker=broker)(run)
        if declared.settling is Settling.IMMEDIATE:
            broker.settle_immediately(declared.name)


class _Undisturbed:
    """The engine for handlers: no interrupt lands between a request and its reply."""

    def __init__(self, broker: JobBroker) -> None:
        self._engine, self._shielded = broker.engine, broker.shielded

    def enqueue_job(self, queue: str, job: NewJob) -> Enqueued:
        with self._shielded():
            return self._engine.enqueue_job(queue, job)

    def set_progress(self, lease: Lease, progress: bytes, *, worker: str) -> Verdict:
        with self._shielded():
            return self._engine.set_progress(lease, progress, worker=worker)

    def add_log(self, lease: Lease, text: str, *, worker: str) -> Verdict:
        with self._shielded():
            return self._engine.add_log(lease, text, worker=worker)

    def add_children(self, lease: Lease, children: Sequence[JobRef], *, worker: str) -> Verdict:
        with self._shielded():
            return self._engine.add_children(lease, children, worker=worker)


def _runner(
    broker: JobBroker, handler: Handler, call: Callable[..., Any], job_types: Mapping[str, JobType]
) -> Callable[[Any], None]:
    undisturbed, worker_id, current_job = _Undisturbed(broker), broker.worker_id, broker.roster.current
    validate = TypeAdapter(handler.payload).validator.validate_python  # as model_validate, without its options

    def run(data: Any) -> None:
        job = current_job()
        if job is None:
            raise RuntimeError(f"{handler.job_type.name} runs as a job only; call its handler instead")
        context = JobContext(job.lease, undisturbed, worker_id, job_types, lambda: job.cancelled or job.lost)
        try:
            payload = validate(data)
        except ValidationError as error:
            raise PayloadInvalid(error) from None
        try:
            value = call(payload, context)
        finally:
            context.note_children()
        # Kept here, not by Dramatiq's Results: what a handler returns is shown, not handed to another actor.
        job.value = b"" if value is None else dumps(value)

    return run

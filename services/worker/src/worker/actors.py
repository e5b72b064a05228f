"""Makes Dramatiq actors of the declared job types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dramatiq
from pydantic import ValidationError

from queue_engine.domain.job_type import JobType, Settling
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


def _runner(
    broker: JobBroker, handler: Handler, call: Callable[..., Any], job_types: Mapping[str, JobType]
) -> Callable[[Any], None]:
    def run(data: Any) -> None:
        job = broker.current_job()
        if job is None:
            raise RuntimeError(f"{handler.job_type.name} runs as a job only; call its handler instead")
        context = JobContext(
            job.lease,
            queues=broker.engine,
            worker=broker.worker_id,
            job_types=job_types,
            is_cancelled=lambda: job.cancelled or job.lost,
        )
        try:
            payload = handler.payload.model_validate(data)
        except ValidationError as error:
            raise PayloadInvalid(error) from None
        value = call(payload, context)
        # Kept here, not by Dramatiq's Results: what a handler returns is shown, not handed to another actor.
        job.value = b"" if value is None else dumps(value)

    return run

"""What a handler is given beside its payload: who its job is and what it may tell or ask the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import orjson
import structlog
from pydantic import BaseModel

from queue_engine.domain.errors import QueueEngineError
from queue_engine.domain.job import Enqueued, JobRef, NewJob
from queue_engine.domain.job_type import EnqueueOptions, JobType, resolve
from queue_engine.domain.lease import Lease, Verdict
from queue_engine.domain.trace import carrying
from service_kit import tracing

log = structlog.get_logger()
OWNER = "worker"
"""Owner of the jobs that handlers enqueue."""


class Queues(Protocol):
    """The part of the engine that a handler's context needs."""

    def enqueue_job(self, queue: str, job: NewJob) -> Enqueued:
        """See QueueEngine."""

    def set_progress(self, lease: Lease, progress: bytes, *, worker: str) -> Verdict:
        """See QueueEngine."""

    def add_log(self, lease: Lease, text: str, *, worker: str) -> Verdict:
        """See QueueEngine."""

    def add_children(self, lease: Lease, children: Sequence[JobRef], *, worker: str) -> Verdict:
        """See QueueEngine."""


class JobContext:
    """One delivery of one job. Lives as long as its handler runs, on the handler's thread."""

    def __init__(
        self,
        lease: Lease,
        queues: Queues,
        worker: str,
        job_types: Mapping[str, JobType],
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._lease, self._queues, self._worker = lease, queues, worker
        self._job_types, self._is_cancelled = job_types, is_cancelled
        self._children: list[JobRef] = []

    @property
    def job_id(self) -> str:
        """Unique in its queue."""
        return self._lease.job_id

    @property
    def queue(self) -> str:
        """Where it was enqueued."""
        return self._lease.queue

    @property
    def name(self) -> str:
        """Of its type."""
        return self._lease.name

    @property
    def token(self) -> int:
        """Rises with each delivery of any job: what has a higher one came later."""
        return self._lease.token

    @property
    def attempt(self) -> int:
        """This one's number, from 1."""
        return self._lease.attempts_made + 1

    @property
    def max_attempts(self) -> int:
        """How many there are at most."""
        return self._lease.max_attempts

    @property
    def created_at_ms(self) -> int:
        """When it was enqueued."""
        return self._lease.created_at_ms

    @property
    def idempotency_key(self) -> str:
        """The same for every delivery and attempt of this job, different for every other job."""
        return f"{self.queue}:{self.job_id}"

    @property
    def cancelled(self) -> bool:
        """A cancel was asked for, or the lease was lost; the handler is interrupted anyway once it runs Python code."""
        return self._is_cancelled()

    def progress(self, value: Any) -> None:
        """Show `value` (anything JSON, at most 4 KiB) as the job's progress. Raises StoreUnavailable."""
        self._queues.set_progress(self._lease, orjson.dumps(value), worker=self._worker)

    def log(self, text: str) -> None:
        """Add a line to the job's own log (cut to 1,000 characters, the newest 200 stay). Raises StoreUnavailable."""
        self._queues.add_log(self._lease, text, worker=self._worker)

    def enqueue(
        self,
        name: str,
        payload: BaseModel | Mapping[str, Any],
        *,
        job_id: str | None = None,
        options: EnqueueOptions | None = None,
    ) -> Enqueued:
        """Enqueue a job of type `name` that follows from this one; `job_id` wins over the type's template.

        Safe to repeat as long as the id follows from this job: a known id with the same data returns the job that is
        there. Raises LookupError for an undeclared type, InvalidArgument, IdConflict, StoreUnavailable and StoreFull.
        """
        job_type = self._job_types[name]
        fields = (
            payload.model_dump(mode="json", by_alias=True, exclude_none=True)
            if isinstance(payload, BaseModel)
            else dict(payload)
        )
        options = options or EnqueueOptions()
        if job_id is not None:
            options = replace(options, job_id=job_id)
        parent = JobRef(self.queue, self.job_id)
        job = resolve(job_type, fields, orjson.dumps(fields), options, owner=OWNER, parent=parent)
        with tracing.sending(job_type.queue, job.job_id):
            enqueued = self._queues.enqueue_job(job_type.queue, carrying(job, tracing.carrier()))
        self._children.append(JobRef(job_type.queue, job.job_id))
        return enqueued

    def note_children(self) -> None:
        """Let people see which jobs were enqueued; called once when the handler ended, however it did. Never raises for
        the store: nothing but a link on a page depends on it.
        """
        if not self._children:
            return
        try:
            self._queues.add_children(self._lease, self._children, worker=self._worker)
        except QueueEngineError as error:
            log.info("children_not_noted", queue=self.queue, job_id=self.job_id, problem=str(error))

"""What people and backends do with single jobs; through the dead-letter view it happens to the job itself."""

from __future__ import annotations

from queue_admin.actions import action_of, is_operator
from queue_admin.explanation import explain, is_explained
from queue_admin.job_types import JobTypeRegistry
from queue_admin.payload import parse_payload
from queue_admin.worker_info import decode_info
from queue_engine.domain.errors import JobNotFound
from queue_engine.domain.job import JobDetail
from queue_engine.engine import QueueEngine
from service_kit.tokens import Caller


class JobDesk:
    """Every method raises QueueNotFound and JobNotFound; the latter also for a job that is not the backend's own."""

    def __init__(self, engine: QueueEngine, job_types: JobTypeRegistry) -> None:
        self._engine, self._job_types = engine, job_types

    def get_job(self, queue: str, job_id: str, caller: Caller) -> JobDetail:
        """The job with its history."""
        found = self._engine.get_job(queue, job_id)
        if not is_operator(caller) and found.job.owner != caller.subject:
            raise JobNotFound(queue, job_id)
        return found

    def explain(self, found: JobDetail) -> str | None:
        """Why the job is not running; None when there is nothing to explain."""
        if not is_explained(found.job):
            return None
        workers = [decode_info(info) for _, info, _ in self._engine.list_workers()]
        return explain(found, self._engine.count_jobs(found.job.queue), workers)

    def retry_job(self, queue: str, job_id: str, caller: Caller, *, reason: str, data: bytes | None = None) -> None:
        """Failed -> waiting, with other `data` when given. Raises WrongState, ServiceError (data that misfits)."""
        if data is not None:
            job = self._engine.get_job(queue, job_id).job
            self._job_types.find(job.queue, job.name).schema.check(parse_payload(data))
        self._engine.retry_job(queue, job_id, action=action_of(caller, reason), data=data)

    def remove_job(self, queue: str, job_id: str, caller: Caller, *, reason: str) -> None:
        """Forget a job that is not active. Raises WrongState."""
        self._engine.remove_job(queue, job_id, action=action_of(caller, reason))

    def cancel_job(self, queue: str, job_id: str, caller: Caller, *, reason: str) -> str:
        """`cancelled`, or `requested` while it runs. Raises WrongState for a finished job."""
        if not is_operator(caller):
            self.get_job(queue, job_id, caller)
        return self._engine.cancel_job(queue, job_id, action=action_of(caller, reason))

    def reschedule_job(self, queue: str, job_id: str, caller: Caller, *, due_at_ms: int | None, reason: str) -> bool:
        """Another due time, now when None; False when it was so already. Raises WrongState, QueueReserved."""
        return self._engine.reschedule_job(queue, job_id, due_at_ms=due_at_ms, action=action_of(caller, reason))

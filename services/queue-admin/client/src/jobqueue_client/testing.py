"""For the tests of a backend: a queue that only remembers, and a way to run what was enqueued at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from jobqueue_client.errors import JobQueueError
from jobqueue_client.messages import to_data, to_options
from jobqueue_client.values import CancelOutcome, Enqueued, Job, NewJob, Options

Handler = Callable[[Any], Any]


class RecordingQueue:
    """Has the interface of JobQueue and keeps the jobs in `jobs`, oldest first. Payloads must be JSON, as in reality.

    `templates` makes ids from payloads as the job types do: `{"ticket.created": "ticket-created-{ticketId}"}`.
    """

    def __init__(self, templates: Mapping[str, str] | None = None) -> None:
        self._templates = dict(templates or {})
        self._jobs: dict[tuple[str, str], Job] = {}
        self._options: dict[tuple[str, str], Options] = {}

    @property
    def jobs(self) -> list[Job]:
        """Everything that was enqueued."""
        return list(self._jobs.values())

    def enqueue(self, queue: str, name: str, data: Mapping[str, Any], **options: Unpack[Options]) -> Enqueued:
        """Remember the job. Raises JobQueueError ID_CONFLICT as the real one does."""
        to_options(options)
        payload = json.loads(to_data(data))
        job_id = options.get("job_id") or self._templates.get(name, f"job-{len(self._jobs) + 1}").format(**payload)
        key, known = (queue, job_id), self._jobs.get((queue, job_id))
        if known is not None and options.get("if_exists") != "replace":
            if (known.name, known.data) != (name, payload):
                raise JobQueueError("ID_CONFLICT", f"job id {job_id!r} belongs to another job")
            return Enqueued(job_id, known.status, created=False)
        later = "delay" in options or "due_at" in options
        self._jobs[key] = Job(job_id, queue, name, payload, "delayed" if later else "waiting")
        self._options[key] = options
        return Enqueued(job_id, self._jobs[key].status, created=True)

    def enqueue_many(self, queue: str, jobs: Sequence[NewJob]) -> list[Enqueued | JobQueueError]:
        """Remember the jobs."""
        results: list[Enqueued | JobQueueError] = []
        for job in jobs:
            try:
                results.append(self.enqueue(queue, job.name, job.data, **job.options))
            except JobQueueError as error:
                results.append(error)
        return results

    def get(self, queue: str, job_id: str) -> Job:
        """The job as it is remembered. Raises JobQueueError JOB_NOT_FOUND."""
        if (queue, job_id) not in self._jobs:
            raise JobQueueError("JOB_NOT_FOUND", f"there is no job {job_id!r} in queue {queue!r}")
        return self._jobs[queue, job_id]

    def cancel(self, queue: str, job_id: str, *, reason: str = "") -> CancelOutcome:
        """Cancel it. Raises JobQueueError WRONG_STATE when it was run or cancelled already."""
        job = self.get(queue, job_id)
        if job.status not in ("waiting", "delayed"):
            raise JobQueueError("WRONG_STATE", f"job {job_id!r} is {job.status} and cannot be cancelled")
        self._jobs[queue, job_id] = replace(
            job, status="failed", cancelled=True, failed_reason=reason or "Manually cancelled"
        )
        return "cancelled"

    def options_of(self, job: Job) -> Options:
        """What the job was enqueued with."""
        return self._options[job.queue, job.id]

    def run(self, name: str, handler: Handler) -> list[Job]:
        """Run `handler` on the data of every job of that type that has not run yet, delayed ones too; here and now.

        Returns the jobs as they are then: completed with the handler's answer, or failed with its error.
        """
        mine = [job for job in self.jobs if job.name == name and job.status in ("waiting", "delayed")]
        for job in mine:
            self._jobs[job.queue, job.id] = _run(job, handler)
        return [self._jobs[job.queue, job.id] for job in mine]

    def assert_enqueued(self, name: str, *, queue: str | None = None, **data: Any) -> Job:
        """The one job of that type whose payload has these values; fails, saying what there was, unless it is one."""
        found = [
            job
            for job in self.jobs
            if job.name == name and queue in (None, job.queue) and all(job.data.get(k) == v for k, v in data.items())
        ]
        if len(found) != 1:
            there = "".join(f"\n  {job.queue}: {job.name} {job.data}" for job in self.jobs) or " nothing"
            raise AssertionError(f"{len(found)} jobs {name} with {data} were enqueued, not one; there was{there}")
        return found[0]

    def assert_nothing_enqueued(self) -> None:
        """Fails, saying what there was, unless there was nothing."""
        if self._jobs:
            raise AssertionError("".join(f"\n  {job.queue}: {job.name} {job.data}" for job in self.jobs))


def _run(job: Job, handler: Handler) -> Job:
    try:
        value = handler(json.loads(json.dumps(job.data)))
    except Exception as error:  # noqa: BLE001 - a handler may raise anything, that is what fails its job
        return replace(job, status="failed", attempts_made=1, failed_reason=str(error))
    return replace(job, status="completed", attempts_made=1, return_value=value)

"""The job queue as a backend service sees it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, Unpack, cast

import grpc

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2, queue_admin_service_pb2_grpc
from jobqueue_client.calling import Caller, Token
from jobqueue_client.errors import JobQueueError
from jobqueue_client.messages import to_data, to_job, to_options, to_result, to_status
from jobqueue_client.schedules import Schedules
from jobqueue_client.values import CancelOutcome, Enqueued, Job, NewJob, Options

pb = queue_admin_service_pb2
MOST_JOBS, MOST_BYTES = 1_000, 2 * 1024 * 1024  # of one call


class JobQueue:
    """Thread-safe; make one per process and keep it. Calls are repeated while the job queue is away, up to
    `timeout_seconds`, with the same job id, so that a job is never made twice.
    """

    def __init__(
        self,
        address: str,
        token_file: str,
        *,
        timeout_seconds: float = 10.0,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        """`address` is queue-admin's `host:port`; `token_file` holds a token with the role SERVICE. Connects later.

        Without `credentials` the connection is in plain text: for networks that encrypt by themselves.
        """
        self._channel = grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
        self._stub = queue_admin_service_pb2_grpc.QueueAdminServiceStub(self._channel)
        self._caller = Caller(Token(token_file), timeout_seconds=timeout_seconds)
        self.schedules = Schedules(self._stub, self._caller)
        self._with_template: dict[str, bool] = {}

    def enqueue(self, queue: str, name: str, data: Mapping[str, Any], **options: Unpack[Options]) -> Enqueued:
        """Hand over one job; once this returns it is not lost. Raises JobQueueError."""
        new = self._to_message(NewJob(name, data, **options))
        request = pb.EnqueueJobRequest(queue=queue, name=name, data=new.data, opts=new.opts)
        answer = self._caller.call(self._stub.EnqueueJob, request)
        return Enqueued(answer.id, to_status(answer.status), answer.created)

    def enqueue_many(self, queue: str, jobs: Sequence[NewJob]) -> list[Enqueued | JobQueueError]:
        """Hand over many jobs of one queue, any number; each is answered for itself, in order.

        Raises JobQueueError when a call as a whole fails; the jobs before it are handed over, and repeating is safe for
        those whose ids are given or made from their payload.
        """
        results: list[Enqueued | JobQueueError] = []
        for batch in _batches([self._to_message(job) for job in jobs]):
            answer = self._caller.call(self._stub.EnqueueJobs, pb.EnqueueJobsRequest(queue=queue, jobs=batch))
            results += [to_result(result) for result in answer.results]
        return results

    def get(self, queue: str, job_id: str) -> Job:
        """Read a job this service enqueued. Raises JobQueueError JOB_NOT_FOUND, also for jobs of others."""
        return to_job(self._caller.call(self._stub.GetJob, pb.GetJobRequest(queue=queue, job_id=job_id)))

    def cancel(self, queue: str, job_id: str, *, reason: str = "") -> CancelOutcome:
        """`cancelled`, or `requested` while it runs. Raises JobQueueError WRONG_STATE when it has finished."""
        request = pb.CancelJobRequest(queue=queue, job_id=job_id, reason=reason)
        answer = self._caller.call(self._stub.CancelJob, request)
        return cast("CancelOutcome", job_pb2.ActionOutcome.Name(answer.outcome).removeprefix("ACTION_OUTCOME_").lower())

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _to_message(self, job: NewJob) -> pb.NewJob:
        opts = to_options(job.options)
        if not opts.HasField("job_id") and not self._has_template(job.name):
            # The service would draw an id for each try; drawn here, a repeated try finds the job of the first.
            opts.job_id = uuid.uuid4().hex
        return pb.NewJob(name=job.name, data=to_data(job.data), opts=opts)

    def _has_template(self, name: str) -> bool:
        """Whether the type's ids are made from its payload; asked once per type."""
        if name not in self._with_template:
            answer = self._caller.call(self._stub.ListJobTypes, pb.ListJobTypesRequest())
            self._with_template.update({t.name: bool(t.id_template) for t in answer.job_types})
        return self._with_template.get(name, False)


def _batches(jobs: list[pb.NewJob]) -> Iterator[list[pb.NewJob]]:
    batch: list[pb.NewJob] = []
    size = 0
    for job in jobs:
        if batch and (len(batch) == MOST_JOBS or size + job.ByteSize() > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(job)
        size += job.ByteSize()
    if batch:
        yield batch

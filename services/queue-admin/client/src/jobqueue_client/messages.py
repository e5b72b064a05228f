"""Between this package's values and the contract's messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2
from jobqueue_client.errors import JobQueueError
from jobqueue_client.values import Enqueued, Job, Options, Status

_IF_EXISTS = {"return": job_pb2.IF_EXISTS_RETURN, "replace": job_pb2.IF_EXISTS_REPLACE}


def to_data(data: Mapping[str, Any]) -> bytes:
    """The payload as JSON. Raises TypeError or ValueError for what JSON cannot hold."""
    return json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def to_options(options: Options) -> job_pb2.JobOptions:
    """Raises ValueError for a due time without a time zone."""
    message = job_pb2.JobOptions(
        job_id=options.get("job_id"),
        delay=_ms(options.get("delay")),
        priority=options.get("priority"),
        attempts=options.get("attempts"),
        timeout=_ms(options.get("timeout")),
        if_exists=_IF_EXISTS[options.get("if_exists", "return")],
    )
    if "due_at" in options:
        message.due_at = _epoch_ms(options["due_at"])
    return message


def to_status(state: job_pb2.JobState.ValueType) -> Status:
    """The state's word."""
    return cast("Status", job_pb2.JobState.Name(state).removeprefix("JOB_STATE_").lower())


def to_result(result: queue_admin_service_pb2.EnqueueResult) -> Enqueued | JobQueueError:
    """One job's answer in a batch."""
    if result.HasField("code"):
        return JobQueueError(result.code, result.detail)
    return Enqueued(result.id, to_status(result.status), result.created)


def to_job(answer: queue_admin_service_pb2.GetJobResponse) -> Job:
    """A job as it was read."""
    job = answer.job
    return Job(
        id=job.id,
        queue=job.queue,
        name=job.name,
        data=json.loads(job.data),
        status=to_status(job.status),
        attempts_made=job.attempts_made,
        enqueued_at=job.timestamp,
        finished_at=job.finished_on if job.HasField("finished_on") else None,
        failed_reason=job.failed_reason if job.HasField("failed_reason") else None,
        cancelled=job.cancelled,
        progress=json.loads(job.progress) if job.progress else None,
        return_value=json.loads(answer.return_value) if answer.return_value else None,
    )


def _ms(span: timedelta | None) -> int | None:
    return None if span is None else round(span / timedelta(milliseconds=1))


def _epoch_ms(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("due_at needs a time zone")
    return round(moment.timestamp() * 1_000)

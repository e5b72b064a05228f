"""Running a handler without a worker: its context with a record of what it asked the queue for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

import worker.jobs
from queue_engine.domain.backoff import DEFAULT_BACKOFF
from queue_engine.domain.errors import IdConflict
from queue_engine.domain.job import Enqueued, JobRef, JobState, NewJob
from queue_engine.domain.lease import Lease, Verdict
from worker.context import JobContext
from worker.delivery.contract import Senders
from worker.job_types import by_name, handlers_in
from worker.jobs.notifications import SendNotification, send_notification
from worker.platform.contract import Platform

JOB_TYPES = by_name(handlers_in(worker.jobs))


@dataclass(slots=True)
class RecordedQueues:
    """Takes jobs as the engine does, once per id, and keeps them."""

    jobs: dict[str, NewJob] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    progress: list[Any] = field(default_factory=list)

    def enqueue_job(self, queue: str, job: NewJob) -> Enqueued:
        known = self.jobs.setdefault(job.job_id, job)
        if known.data != job.data:
            raise IdConflict(queue, job.job_id)
        return Enqueued(job.job_id, JobState.WAITING, created=known is job)

    def set_progress(self, lease: Lease, progress: bytes, *, worker: str) -> Verdict:  # noqa: ARG002 - the port says so
        self.progress.append(json.loads(progress))
        return Verdict.SETTLED

    def add_log(self, lease: Lease, text: str, *, worker: str) -> Verdict:  # noqa: ARG002 - the port says so
        self.logs.append(text)
        return Verdict.SETTLED

    def add_children(self, lease: Lease, children: Sequence[JobRef], *, worker: str) -> Verdict:  # noqa: ARG002
        return Verdict.SETTLED

    def notified(self) -> set[tuple[str, str]]:
        """(recipient, channel) of every notification that was enqueued."""
        payloads = [json.loads(job.data) for job in self.jobs.values()]
        return {(payload["recipientId"], payload["type"]) for payload in payloads}


def a_context(name: str, job_id: str, queues: RecordedQueues, *, created_at_ms: int = 1_767_225_600_000) -> JobContext:
    """The context of one delivery of a job; created on 1 January 2026 unless said otherwise."""
    lease = Lease(
        queue=JOB_TYPES[name].queue,
        job_id=job_id,
        token=1,
        name=name,
        data=b"{}",
        options=b"",
        attempts_made=0,
        max_attempts=3,
        deliveries=1,
        backoff=DEFAULT_BACKOFF,
        timeout_ms=60_000,
        created_at_ms=created_at_ms,
        suspect=False,
    )
    return JobContext(lease, queues=queues, worker="test", job_types=JOB_TYPES)


def let_claims_run_out(database_url: str) -> None:
    """As if the runs that claimed deliveries had died a while ago."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE platform.deliveries SET claimed_until = now()")


def send(platform: Platform, senders: Senders, *, job_id: str = "n-1", **payload: Any) -> dict[str, str]:
    """Run a notification job, an e-mail to Lena unless said otherwise; returns what its handler returns."""
    notification = SendNotification(**{"type": "email", "recipient_id": "user-lena", "message": "Hello", **payload})
    result: dict[str, str] = send_notification(
        notification, a_context("send-notification", job_id, RecordedQueues()), platform, senders
    )
    return result

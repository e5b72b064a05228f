"""Enqueue jobs from a backend service."""

from __future__ import annotations

from jobqueue_client.errors import JobQueueError
from jobqueue_client.queue import JobQueue
from jobqueue_client.schedules import Schedule, Schedules
from jobqueue_client.values import Enqueued, Job, JobClient, NewJob

__all__ = ["Enqueued", "Job", "JobClient", "JobQueue", "JobQueueError", "NewJob", "Schedule", "Schedules"]

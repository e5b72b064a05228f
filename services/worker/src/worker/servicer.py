"""jobqueue.worker.v1.WorkerService: what this process does, and draining it."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc

from jobqueue.worker.v1 import worker_service_pb2, worker_service_pb2_grpc
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.job import Job


class WorkerServicer(worker_service_pb2_grpc.WorkerServiceServicer):
    """Reads and steers the broker."""

    def __init__(self, broker: JobBroker, *, living_threads: Callable[[], int]) -> None:
        self._broker, self._living_threads = broker, living_threads

    def GetStatus(
        self, request: worker_service_pb2.GetStatusRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.GetStatusResponse:
        """Threads, jobs in hand, draining."""
        roster = self._broker.roster
        status = worker_service_pb2.WorkerStatus(
            threads=self._living_threads(),
            busy=len(roster.running),
            prefetched=len(roster.waiting),
            draining=roster.draining,
        )
        return worker_service_pb2.GetStatusResponse(status=status)

    def ListRunningJobs(
        self, request: worker_service_pb2.ListRunningJobsRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.ListRunningJobsResponse:
        """Oldest first."""
        jobs = sorted(self._broker.roster.running.copy().values(), key=lambda job: job.began_at)
        return worker_service_pb2.ListRunningJobsResponse(jobs=[_to_message(job) for job in jobs])

    def DrainWorker(
        self, request: worker_service_pb2.DrainWorkerRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.DrainWorkerResponse:
        """Take no more jobs, give back what has not begun."""
        return worker_service_pb2.DrainWorkerResponse(changed=self._broker.drain())

    def ResumeWorker(
        self, request: worker_service_pb2.ResumeWorkerRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.ResumeWorkerResponse:
        """Take jobs again."""
        return worker_service_pb2.ResumeWorkerResponse(changed=self._broker.resume())


def _to_message(job: Job) -> worker_service_pb2.RunningJob:
    started = time.time() - (time.monotonic() - job.began_at)
    return worker_service_pb2.RunningJob(
        queue=job.queue_name, job_id=job.message_id, name=job.actor_name, started_on=round(started * 1000)
    )

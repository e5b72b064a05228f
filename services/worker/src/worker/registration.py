"""Tells queue-admin again and again that this worker lives and what it can run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import grpc
import orjson
import structlog

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2, queue_admin_service_pb2_grpc
from queue_engine.domain.backoff import BackoffKind
from queue_engine.domain.job_type import DefaultSchedule, JobType
from service_kit.errors import ServiceError, from_rpc_error
from service_kit.lifecycle import Loop

log = structlog.get_logger()
EVERY_SECONDS = 4.0
DEADLINE_SECONDS = 3.0
KINDS = {BackoffKind.FIXED: job_pb2.BACKOFF_TYPE_FIXED, BackoffKind.EXPONENTIAL: job_pb2.BACKOFF_TYPE_EXPONENTIAL}


class Registration:
    """Registers every few seconds; a queue-admin that is away, or refuses, is said once and asked again."""

    def __init__(
        self,
        channel: grpc.Channel,
        info: queue_admin_service_pb2.WorkerInfo,
        job_types: Iterable[JobType],
        *,
        is_draining: Callable[[], bool],
    ) -> None:
        self._stub = queue_admin_service_pb2_grpc.QueueAdminServiceStub(channel)
        self._request = queue_admin_service_pb2.RegisterWorkerRequest(
            info=info, job_types=[to_message(job_type) for job_type in job_types]
        )
        self._is_draining = is_draining
        self._problem = ""
        self._loop = Loop("registration", self.tick, every_seconds=EVERY_SECONDS)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """End; queue-admin forgets this worker when its time has passed."""
        self._loop.stop(DEADLINE_SECONDS)

    def tick(self) -> int:
        """Register once."""
        self._request.info.draining = self._is_draining()
        try:
            self._stub.RegisterWorker(self._request, timeout=DEADLINE_SECONDS)
        except grpc.RpcError as error:
            self._say(from_rpc_error(error))
        except ServiceError as error:  # our own token cannot be read
            self._say(error)
        else:
            if self._problem:
                log.info("registered_again")
            self._problem = ""
        return 0

    def _say(self, error: ServiceError) -> None:
        if error.reason != self._problem:
            log.warning("not_registered", reason=error.reason, detail=error.detail)
        self._problem = error.reason


def to_message(job_type: JobType) -> job_pb2.JobType:
    """The declaration as queue-admin takes it."""
    return job_pb2.JobType(
        name=job_type.name,
        queue=job_type.queue,
        version=job_type.version,
        schema=orjson.dumps(job_type.schema),
        id_template=job_type.id_template,
        due_field=job_type.due_field,
        settling=job_type.settling.value,
        attempts=job_type.attempts,
        backoff=job_pb2.Backoff(type=KINDS[job_type.backoff.kind], delay=job_type.backoff.delay_ms),
        timeout=job_type.timeout_ms,
        max_age=job_type.max_age_ms,
        dedup_window=job_type.dedup_ms,
        default_schedule=_default(job_type.default_schedule) if job_type.default_schedule else None,
    )


def _default(schedule: DefaultSchedule) -> job_pb2.DefaultSchedule:
    return job_pb2.DefaultSchedule(
        id=schedule.schedule_id, cron=schedule.cron, time_zone=schedule.time_zone, data=schedule.data.encode()
    )

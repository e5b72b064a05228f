"""The worker registry and the way to the workers: each live one is asked over gRPC, none can hold the caller up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import orjson
import structlog

from jobqueue.queue.v1 import queue_admin_service_pb2
from jobqueue.worker.v1 import worker_service_pb2
from queue_admin.actions import action_of
from queue_admin.job_type_messages import to_job_type
from queue_admin.job_types import JobTypeRegistry
from queue_admin.schedules import ScheduleDesk
from queue_admin.worker_channels import WorkerChannels
from queue_admin.worker_info import decode_info, encode_info
from queue_engine.domain.errors import QueueReserved
from queue_engine.domain.job import DEAD_LETTER_QUEUE
from queue_engine.engine import QueueEngine
from service_kit.errors import ServiceError, from_rpc_error
from service_kit.tokens import Caller

log = structlog.get_logger()
WORKER_TTL_MS = 15_000  # three registrations missed
ASK_SECONDS = 0.8
ACT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Asked:
    """A worker and the two answers that are on their way."""

    info: queue_admin_service_pb2.WorkerInfo
    last_seen_ms: int
    status: Any
    running: Any


class WorkerDesk:
    """Registers workers, shows what they do, drains and resumes them."""

    def __init__(
        self, engine: QueueEngine, job_types: JobTypeRegistry, schedules: ScheduleDesk, channels: WorkerChannels
    ) -> None:
        self._engine, self._job_types, self._schedules, self._channels = engine, job_types, schedules, channels

    def register_worker(self, request: queue_admin_service_pb2.RegisterWorkerRequest, caller: Caller) -> int:
        """Remember the worker and its job types, with their schedules; returns ms within which to register again.

        Raises ServiceError JOB_TYPE_INCOMPATIBLE, then nothing is remembered.
        """
        if DEAD_LETTER_QUEUE in request.info.queues:
            raise QueueReserved(DEAD_LETTER_QUEUE)
        job_types = [to_job_type(t, f"jobTypes[{i}]") for i, t in enumerate(request.job_types)]
        self._job_types.register(job_types)
        self._schedules.create_default_schedules(job_types, caller)
        self._engine.register_worker(request.info.id, encode_info(request.info), ttl_ms=WORKER_TTL_MS)
        return WORKER_TTL_MS

    def list_workers(self) -> list[queue_admin_service_pb2.Worker]:
        """All live workers by id, each with what it answered within ASK_SECONDS."""
        alive = [(decode_info(info), seen) for _, info, seen in sorted(self._engine.list_workers())]
        self._channels.keep_only({info.address for info, _ in alive})
        return [_answered(asked) for asked in [self._ask(info, seen) for info, seen in alive]]

    def drain_worker(self, worker_id: str, caller: Caller, *, reason: str) -> bool:
        """Let it finish and take nothing more; False when it did so already. Raises ServiceError WORKER_NOT_FOUND."""
        return self._set_draining(worker_id, caller, reason, wanted=True)

    def resume_worker(self, worker_id: str, caller: Caller, *, reason: str) -> bool:
        """Let it take jobs again; False when it does. Raises ServiceError WORKER_NOT_FOUND."""
        return self._set_draining(worker_id, caller, reason, wanted=False)

    def _ask(self, info: queue_admin_service_pb2.WorkerInfo, last_seen_ms: int) -> _Asked:
        stub: Any = self._channels.stub(info.address)
        return _Asked(
            info,
            last_seen_ms,
            stub.GetStatus.future(worker_service_pb2.GetStatusRequest(), timeout=ASK_SECONDS),
            stub.ListRunningJobs.future(worker_service_pb2.ListRunningJobsRequest(), timeout=ASK_SECONDS),
        )

    def _set_draining(self, worker_id: str, caller: Caller, reason: str, *, wanted: bool) -> bool:
        info = self._find(worker_id)
        stub = self._channels.stub(info.address)
        try:
            status = stub.GetStatus(worker_service_pb2.GetStatusRequest(), timeout=ACT_SECONDS).status
            if status.draining == wanted:
                return False
            # Recorded before it is done: an act without its record must not be, a record of one that failed may.
            self._engine.record_action(
                self._known_queue(info),
                action=action_of(caller, reason),
                verb="drain" if wanted else "resume_worker",
                detail=orjson.dumps({"worker": worker_id}).decode(),
            )
            if wanted:
                stub.DrainWorker(worker_service_pb2.DrainWorkerRequest(), timeout=ACT_SECONDS)
            else:
                stub.ResumeWorker(worker_service_pb2.ResumeWorkerRequest(), timeout=ACT_SECONDS)
        except grpc.RpcError as error:
            said = from_rpc_error(error)
            log.warning("worker_unreachable", worker=worker_id, address=info.address, reason=said.reason)
            raise ServiceError("UNAVAILABLE", f"worker {worker_id!r} does not answer", retry_after_ms=1_000) from error
        return True

    def _known_queue(self, info: queue_admin_service_pb2.WorkerInfo) -> str:
        """The queue whose stream keeps records about the worker: the first of its own that has one."""
        known = set(self._engine.list_queues())
        return next((queue for queue in info.queues if queue in known), info.queues[0])

    def _find(self, worker_id: str) -> queue_admin_service_pb2.WorkerInfo:
        for known, info, _ in self._engine.list_workers():
            if known == worker_id:
                return decode_info(info)
        raise ServiceError("WORKER_NOT_FOUND", f"there is no live worker {worker_id!r}")


def _answered(asked: _Asked) -> queue_admin_service_pb2.Worker:
    worker = queue_admin_service_pb2.Worker(info=asked.info, last_seen=asked.last_seen_ms)
    try:
        worker.status.CopyFrom(asked.status.result().status)
        worker.running.extend(asked.running.result().jobs)
        worker.reachable = True
    except (grpc.RpcError, ServiceError):  # ServiceError: our own token cannot be read
        worker.ClearField("status")
    return worker

"""queue-admin's gRPC surface, served for real, and the people and backends who call it and call again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import orjson
from prometheus_client import CollectorRegistry

from faults.support.crash.errands import QUEUE
from faults.support.crash.processes import RETENTION
from faults.support.crash.transport import Broken, HarmedStore, Plan
from faults.support.ledger import Ledger
from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2_grpc
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_admin.errors import translate
from queue_admin.job_types import JobTypeRegistry
from queue_admin.schedules import ScheduleDesk
from queue_admin.servicer import QueueAdminServicer
from queue_admin.worker_channels import WorkerChannels
from queue_admin.workers import WorkerDesk
from queue_engine.engine import QueueEngine
from service_kit.contract import methods_of
from service_kit.errors import from_rpc_error
from service_kit.grpc_client import open_channel
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.settings import ServiceSettings
from service_kit.tokens import TokenVerifier
from support.tokens import Authority

SERVICE = pb.DESCRIPTOR.services_by_name["QueueAdminService"]
WORTH_ANOTHER_TRY = frozenset({"UNAVAILABLE", "DEADLINE"})
TRIES = 6
NOT_DONE = frozenset({job_pb2.ACTION_OUTCOME_UNCHANGED})
LONG_MS = 10 * 365 * 86_400


class Front:
    """One server for all schedules; behind it stands the queue-admin of the running one."""

    def __init__(self, folder: Path) -> None:
        authority = Authority()
        verifier = TokenVerifier.from_settings(ServiceSettings(auth_jwks=authority.write_jwks(folder)))
        self._store: HarmedStore | None = None
        self._servicer: QueueAdminServicer | None = None
        self._server = GrpcServer(
            host="127.0.0.1",
            port=0,
            threads=2,
            interceptor=CallInterceptor(
                methods_of(SERVICE), verifier, translate=translate, registry=CollectorRegistry()
            ),
            services=[SERVICE.full_name],
            add_servicers=lambda server: queue_admin_service_pb2_grpc.add_QueueAdminServiceServicer_to_server(
                self,  # type: ignore[arg-type]  # answers for each of its methods
                server,
            ),
            with_reflection=False,
        )
        self._server.start()
        address = f"127.0.0.1:{self._server.port}"
        self._channels = [
            open_channel(address, token_file=authority.write_token(folder, role, sub=role.lower(), exp=2**33))
            for role in ("SERVICE", "OPS", "WORKER")
        ]
        stubs = [queue_admin_service_pb2_grpc.QueueAdminServiceStub(channel) for channel in self._channels]
        self.backend, self.operator, self.worker = stubs

    def __getattr__(self, method: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        if method[0].islower():
            raise AttributeError(method)

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            return getattr(self._servicer, method)(request, context)

        return call

    def stand_on(self, url: str, plan: Plan) -> None:
        """A new queue-admin on the store."""
        if self._store is not None:
            self._store.close()
        self._store = HarmedStore(url, "queue-admin", plan)
        engine = QueueEngine(self._store, retention=RETENTION)
        job_types = JobTypeRegistry(engine)
        schedules = ScheduleDesk(engine, job_types)
        workers = WorkerDesk(engine, job_types, schedules, WorkerChannels(grpc.insecure_channel))
        self._servicer = QueueAdminServicer(engine, job_types, workers, schedules, page_size=10)

    def close(self) -> None:
        for channel in self._channels:
            channel.close()
        self._server.stop(0)
        if self._store is not None:
            self._store.close()


@contextmanager
def a_front(folder: Path) -> Iterator[Front]:
    front = Front(folder)
    try:
        yield front
    finally:
        front.close()


class Callers:
    """A backend, an operator and a registering worker. Who does not learn what came of a call makes it again."""

    def __init__(self, front: Front, ledger: Ledger, plan: Plan) -> None:
        self._front, self._ledger, self._plan = front, ledger, plan

    def register(self) -> None:
        """The worker's job types."""
        types = [
            job_pb2.JobType(name=name, queue=QUEUE, version=1, schema=b"{}", settling=settling)
            for name, settling in (("errand", "group"), ("errand-now", "immediate"))
        ]
        info = pb.WorkerInfo(id="A", address="127.0.0.1:9", queues=[QUEUE])
        self._until_known(self._front.worker.RegisterWorker, pb.RegisterWorkerRequest(info=info, job_types=types))

    def enqueue(
        self,
        job_id: str,
        *,
        name: str = "errand",
        attempts: int = 3,
        delay_ms: int = 0,
        replace: bool = False,
        by_operator: bool = False,
        **data: Any,
    ) -> None:
        """One job, by the same id until it is answered."""
        method = (self._front.operator if by_operator else self._front.backend).EnqueueJob
        opts = job_pb2.JobOptions(job_id=job_id, attempts=attempts, delay=delay_ms)
        if replace:
            opts.if_exists = job_pb2.IF_EXISTS_REPLACE
        request = pb.EnqueueJobRequest(queue=QUEUE, name=name, data=orjson.dumps(data), opts=opts)
        self._ledger.write("enqueue", job_id, phase="invoked")

        def unknown() -> None:
            self._note_enqueue(job_id, "unknown")
            if by_operator:
                self._note("replace", job_id, "unknown")

        found = self._until_known(method, request, unknown=unknown)
        self._note_enqueue(job_id, "acked" if found else "refused", created=bool(found and found.created))

    def enqueue_many(self, *job_ids: str) -> None:
        """In one call."""
        jobs = [pb.NewJob(name="errand", data=b"{}", opts=job_pb2.JobOptions(job_id=job_id)) for job_id in job_ids]
        for job_id in job_ids:
            self._note_enqueue(job_id, "invoked")
        found = self._until_known(self._front.backend.EnqueueJobs, pb.EnqueueJobsRequest(queue=QUEUE, jobs=jobs))
        for result in found.results if found else ():
            self._note_enqueue(result.id, "refused" if result.code else "acked", created=result.created)

    def act(self, verb: str, job_id: str = "", **more: Any) -> None:
        """An operator's verb on a job, or on the queue."""
        name = f"{verb.title()}{'Job' if job_id else 'Queue'}"
        request = getattr(pb, f"{name}Request")(queue=QUEUE, reason="by plan", **more)
        if job_id:
            request.job_id = job_id
        answer = self._until_known(
            getattr(self._front.operator, name), request, unknown=lambda: self._note(verb, job_id, "unknown")
        )
        if answer is None or answer.outcome in NOT_DONE:
            self._note(verb, job_id, "refused")
        else:
            outcome = job_pb2.ActionOutcome.Name(answer.outcome).removeprefix("ACTION_OUTCOME_").lower()
            self._note(verb, job_id, "acked", outcome)

    def act_on_many(self, verb: str, status: int, job_ids: Sequence[str], *, queue: str = QUEUE) -> None:
        """RetryJobs, RemoveJobs or CancelJobs (of jobs that do not run) by id."""
        name = f"{verb.title()}Jobs"
        prefix = "" if queue == QUEUE else f"{QUEUE}:"
        ids = [prefix + job_id for job_id in job_ids]
        request = getattr(pb, f"{name}Request")(queue=queue, status=status, ids=ids, reason="by plan")

        def unknown() -> None:
            for job_id in job_ids:
                self._note(verb, job_id, "unknown")

        answer = self._until_known(getattr(self._front.operator, name), request, unknown=unknown)
        skipped = {entry.id for entry in answer.skipped} if answer else set(ids)
        for job_id in job_ids:
            phase = "refused" if prefix + job_id in skipped else "acked"
            self._note(verb, job_id, phase, "cancelled" if verb == "cancel" and phase == "acked" else "")

    def _until_known(self, method: Any, request: Any, *, unknown: Callable[[], None] = lambda: None) -> Any:
        """The answer, None for a refusal. All tries carry one request id, as our client's do."""
        metadata = (("x-request-id", uuid.uuid4().hex),)
        for _ in range(TRIES):
            sent: list[object] = []

            def send(sent: list[object] = sent) -> Any:
                sent.append(request)
                return method(request, timeout=10, metadata=metadata)

            try:
                answer = self._plan.carry("callers", type(request).__name__, send, broken=lambda _: Broken())
            except grpc.RpcError as error:
                if from_rpc_error(error).reason not in WORTH_ANOTHER_TRY:
                    return None
                unknown()
            else:
                if len(sent) > 1:  # nobody learns what came of the second
                    unknown()
                return answer
        raise AssertionError(f"{type(request).__name__} was not answered in {TRIES} tries")

    def _note_enqueue(self, job_id: str, phase: str, *, created: bool = False) -> None:
        self._ledger.write("enqueue", job_id, phase=phase, created=created)

    def _note(self, verb: str, job_id: str, phase: str, outcome: str = "") -> None:
        self._ledger.write("act", job_id, verb=verb, phase=phase, outcome=outcome)

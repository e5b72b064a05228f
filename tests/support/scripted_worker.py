"""A worker's gRPC service that answers what a test sets, and remembers being drained and resumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from jobqueue.worker.v1 import worker_service_pb2 as pb
from jobqueue.worker.v1 import worker_service_pb2_grpc
from service_kit.contract import methods_of
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.settings import ServiceSettings
from service_kit.tokens import TokenVerifier
from support.tokens import Authority

SERVICE = pb.DESCRIPTOR.services_by_name["WorkerService"]


class ScriptedWorker(worker_service_pb2_grpc.WorkerServiceServicer):
    """Drains and resumes; runs what `running` says."""

    def __init__(self) -> None:
        self.draining = False
        self.running: list[pb.RunningJob] = []
        self.address = ""

    def GetStatus(self, request: pb.GetStatusRequest, context: Any) -> pb.GetStatusResponse:  # noqa: ARG002, N802
        """Eight threads, as many busy as jobs run."""
        status = pb.WorkerStatus(threads=8, busy=len(self.running), prefetched=1, draining=self.draining)
        return pb.GetStatusResponse(status=status)

    def ListRunningJobs(  # noqa: N802
        self,
        request: pb.ListRunningJobsRequest,  # noqa: ARG002
        context: Any,  # noqa: ARG002
    ) -> pb.ListRunningJobsResponse:
        """What the test set."""
        return pb.ListRunningJobsResponse(jobs=self.running)

    def DrainWorker(self, request: pb.DrainWorkerRequest, context: Any) -> pb.DrainWorkerResponse:  # noqa: ARG002, N802
        """Drain."""
        changed, self.draining = not self.draining, True
        return pb.DrainWorkerResponse(changed=changed)

    def ResumeWorker(self, request: pb.ResumeWorkerRequest, context: Any) -> pb.ResumeWorkerResponse:  # noqa: ARG002, N802
        """Resume."""
        changed, self.draining = self.draining, False
        return pb.ResumeWorkerResponse(changed=changed)


@contextmanager
def scripted_worker(authority: Authority, folder: Path) -> Iterator[ScriptedWorker]:
    """Serve one that accepts tokens of `authority`."""
    servicer = ScriptedWorker()
    verifier = TokenVerifier.from_settings(ServiceSettings(auth_jwks=authority.write_jwks(folder)))
    server = GrpcServer(
        host="127.0.0.1",
        port=0,
        threads=2,
        interceptor=CallInterceptor(
            methods_of(SERVICE), verifier, translate=lambda _: None, registry=CollectorRegistry()
        ),
        services=[SERVICE.full_name],
        add_servicers=lambda server: worker_service_pb2_grpc.add_WorkerServiceServicer_to_server(servicer, server),
    )
    servicer.address = f"127.0.0.1:{server.port}"
    server.start()
    try:
        yield servicer
    finally:
        server.stop(0)

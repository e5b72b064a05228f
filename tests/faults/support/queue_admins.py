"""queue-admin processes on a test's own store."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import grpc

from faults.support.arena import Arena
from faults.support.job_types.ledgered import QUEUE
from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2_grpc
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from local.ports import HOST, free_port
from local.process import Child, Program
from local.services import answers

Stub = queue_admin_service_pb2_grpc.QueueAdminServiceStub


class QueueAdminProcess:
    """One of them, not started; it ends with the test. `claims` go into its own token."""

    def __init__(
        self,
        arena: Arena,
        *,
        audit_address: str = "",
        claims: Mapping[str, int] = MappingProxyType({}),
        **settings: Any,
    ) -> None:
        port, self._metrics = free_port(), free_port()
        self.address = f"{HOST}:{port}"
        own = {
            "REDIS_URL": arena.url,
            "AUTH_JWKS": arena.authority.write_jwks(arena.folder),
            "SERVICE_TOKEN_FILE": arena.authority.write_token(arena.folder, "QUEUE_ADMIN", **claims),
            "QUEUE_ADMIN_HOST": HOST,
            "QUEUE_ADMIN_PORT": str(port),
            "QUEUE_ADMIN_METRICS_PORT": str(self._metrics),
            "QUEUE_ADMIN_AUDIT_ADDRESS": audit_address or f"{HOST}:{free_port()}",
            **settings,
        }
        program = Program(
            name="queue-admin",
            command=(sys.executable, "-m", "queue_admin"),
            folder=arena.folder,
            environment=own,
            ready=lambda: answers(f"http://{HOST}:{self._metrics}/readyz"),
        )
        self.process = Child(program, arena.folder / f"queue-admin-{port}.log")
        arena.others.append(self.process)

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self.process.pid is not None
        return self.process.pid

    def start(self) -> QueueAdminProcess:
        """Start it (again) and wait until it is ready."""
        self.process.start()
        self.process.wait_ready()
        return self


def register_work(channel: grpc.Channel, token: str) -> None:
    """Make the job type `work` known, as a worker does."""
    declared = job_pb2.JobType(name="work", queue=QUEUE, version=1, schema=b"{}", settling="group")
    info = pb.WorkerInfo(id="w", address="127.0.0.1:9", queues=[QUEUE])
    request = pb.RegisterWorkerRequest(info=info, job_types=[declared])
    Stub(channel).RegisterWorker(request, metadata=(("authorization", f"Bearer {token}"),), timeout=10)

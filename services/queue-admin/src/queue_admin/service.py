"""queue-admin put together: engine, servicer, loops and ports, started and stopped in order."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable

import grpc
from prometheus_client import CollectorRegistry

from jobqueue.audit.v1 import audit_service_pb2_grpc
from jobqueue.queue.v1 import queue_admin_service_pb2, queue_admin_service_pb2_grpc
from queue_admin import health
from queue_admin.errors import translate
from queue_admin.job_types import JobTypeRegistry
from queue_admin.loops import audit_shipper, pruner, reaper
from queue_admin.loops.audit_shipper import AuditShipper
from queue_admin.loops.pruner import Pruner
from queue_admin.loops.reaper import Reaper
from queue_admin.loops.scheduler import Scheduler
from queue_admin.metrics import QueueCollector
from queue_admin.scaling import Scaling
from queue_admin.schedules import ScheduleDesk
from queue_admin.servicer import QueueAdminServicer
from queue_admin.settings import QueueAdminSettings
from queue_admin.worker_channels import WorkerChannels
from queue_admin.workers import WorkerDesk
from queue_engine.domain.job import Retention
from queue_engine.engine import QueueEngine
from service_kit.contract import methods_of
from service_kit.grpc_client import open_channel
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.lifecycle import Loop
from service_kit.metrics import MetricsServer, store_timer
from service_kit.tokens import TokenVerifier

DESCRIPTOR = queue_admin_service_pb2.DESCRIPTOR.services_by_name["QueueAdminService"]


class QueueAdmin:
    """The running service. `port` and `metrics_port` tell the ports taken."""

    def __init__(self, settings: QueueAdminSettings) -> None:
        """Take the ports; raises RuntimeError or OSError when one is taken.

        The store need not be there, but one that would lose jobs is refused: raises StoreMisconfigured.
        """
        self._grace = settings.queue_admin_grace_seconds
        retention = Retention(
            **settings.kept(), dead_count=settings.queue_admin_dead_count, dead_bytes=settings.queue_admin_dead_bytes
        )
        self._registry = CollectorRegistry()
        self._engine = QueueEngine.connect(
            settings.redis_url,
            timeout_seconds=settings.queue_admin_store_timeout_seconds,
            retention=retention,
            observe=store_timer(self._registry),
        )
        self._engine.require_safe_settings()
        self._job_types = JobTypeRegistry(self._engine)
        self._schedules = ScheduleDesk(self._engine, self._job_types)
        self._workers = WorkerChannels(lambda address: open_channel(address, token_file=settings.service_token_file))
        self._audit = open_channel(settings.queue_admin_audit_address, token_file=settings.service_token_file)
        self._server = self._grpc_server(settings)
        self.port = self._server.port
        self._pulse = health.Pulse()
        self._probe = health.StoreProbe(self._engine, lambda up: self._server.set_health(health.STORE, serving=up))
        self._registry.register(QueueCollector(self._engine, retention, epoch=lambda: self._probe.epoch))
        self._loops = self._make_loops()
        self._metrics = MetricsServer(
            settings.queue_admin_metrics_port,
            self._registry,
            live=self._pulse.problem,
            ready=self._probe.problem,
            pages={"scaling": Scaling(self._engine).answer},
        )
        self.metrics_port = self._metrics.port

    def start(self) -> None:
        """Serve, and turn the loops."""
        self._server.start()
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Take no new calls, let running ones end, then stop everything else."""
        self._server.stop(self._grace)
        for loop in self._loops:
            loop.stop()
        self._metrics.stop()
        self._workers.close()
        self._audit.close()
        self._engine.close()

    def _grpc_server(self, settings: QueueAdminSettings) -> GrpcServer:
        servicer = QueueAdminServicer(
            self._engine,
            self._job_types,
            WorkerDesk(self._engine, self._job_types, self._schedules, self._workers),
            self._schedules,
            page_size=settings.job_ui_page_size,
        )

        def add_servicers(server: grpc.Server) -> None:
            queue_admin_service_pb2_grpc.add_QueueAdminServiceServicer_to_server(servicer, server)

        verifier = TokenVerifier.from_settings(settings)
        return GrpcServer(
            host=settings.queue_admin_host,
            port=settings.queue_admin_port,
            threads=settings.queue_admin_threads,
            interceptor=CallInterceptor(methods_of(DESCRIPTOR), verifier, translate=translate, registry=self._registry),
            services=[DESCRIPTOR.full_name],
            add_servicers=add_servicers,
            with_reflection=settings.queue_admin_reflection,
        )

    def _make_loops(self) -> list[Loop]:
        shipper_id = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        append_entries = audit_service_pb2_grpc.AuditServiceStub(self._audit).AppendEntries
        scheduler = Scheduler(self._engine, self._schedules)
        ticks: dict[str, tuple[Callable[[], int], float | Callable[[], float]]] = {
            "reaper": (Reaper(self._engine).tick, reaper.EVERY_SECONDS),
            "scheduler": (scheduler.tick, scheduler.wait_seconds),
            "pruner": (Pruner(self._engine).tick, pruner.EVERY_SECONDS),
            "audit_shipper": (
                AuditShipper(self._engine, append_entries, shipper=shipper_id).tick,
                audit_shipper.EVERY_SECONDS,
            ),
            "store_probe": (self._probe.tick, health.PROBE_EVERY_SECONDS),
        }
        return [Loop(name, self._pulse.watch(name, tick), every_seconds=every) for name, (tick, every) in ticks.items()]

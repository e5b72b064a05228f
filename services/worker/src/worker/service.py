"""The running worker: its parts, wired, and stopped in order."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import dramatiq
import structlog
from prometheus_client import CollectorRegistry

from jobqueue.queue.v1 import queue_admin_service_pb2
from jobqueue.worker.v1 import worker_service_pb2, worker_service_pb2_grpc
from queue_engine.domain import errors
from queue_engine.domain.job import Retention
from queue_engine.engine import QueueEngine
from service_kit import VERSION
from service_kit.contract import methods_of
from service_kit.errors import ServiceError
from service_kit.grpc_client import open_channel
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.metrics import MetricsServer, store_timer
from service_kit.settings import SettingsError
from service_kit.tokens import TokenVerifier
from worker.actors import declare_actors
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.metrics import WorkerMetrics
from worker.health import WorkerHealth
from worker.job_types import Handler, by_name, handlers_in
from worker.registration import Registration
from worker.servicer import WorkerServicer
from worker.settings import WorkerSettings

log = structlog.get_logger()
SERVICE = worker_service_pb2.DESCRIPTOR.services_by_name["WorkerService"]
OpenResources = Callable[[WorkerSettings], tuple[Mapping[type, object], Callable[[], None]]]
"""Opens what handlers ask for, by type; returns also how to close it all."""

GRPC_THREADS = 4
IDLE_MS = 1_000  # how often idle threads look whether they shall stop
STOP_SECONDS = 5.0  # what interrupted handlers get to clean up
GRACE_SECONDS = 2.0


class WorkerService:
    """A worker with its ports open; store and queue-admin may come later, go and come back."""

    def __init__(self, settings: WorkerSettings, package: ModuleType, open_resources: OpenResources) -> None:
        """Opens the ports, to run the job types declared in `package`.

        Raises SettingsError, MissingResource, StoreMisconfigured, RuntimeError or OSError when it cannot start.
        """
        verifier = TokenVerifier.from_settings(settings)
        everything = handlers_in(package)
        handlers = _served(everything, settings.queues())
        self._drain_seconds = settings.worker_drain_seconds
        registry = CollectorRegistry()
        self._engine = QueueEngine.connect(
            settings.redis_url, retention=Retention(**settings.kept()), observe=store_timer(registry)
        )
        self._engine.require_safe_settings()
        self._broker = JobBroker(
            self._engine,
            worker_id=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
            threads=settings.worker_threads,
            lease_ms=settings.worker_lease_ms,
            metrics=WorkerMetrics(registry),
        )
        resources, self._close_resources = open_resources(settings)
        declare_actors(self._broker, handlers, resources, job_types=by_name(everything))
        self._worker = dramatiq.Worker(
            self._broker, worker_threads=settings.worker_threads, worker_timeout=IDLE_MS, queues=set(self._broker.desks)
        )
        self._server = self._grpc_server(settings, verifier, registry)
        health = WorkerHealth(self._broker, threads=settings.worker_threads, living_threads=self._living_threads)
        self._http = MetricsServer(settings.worker_metrics_port, registry, live=health.live, ready=health.ready)
        self._channel = open_channel(settings.worker_queue_admin_address, token_file=settings.service_token_file)
        self._registration = Registration(
            self._channel,
            self._info(settings),
            [h.job_type for h in handlers],
            is_draining=lambda: self._broker.roster.draining,
        )

    @property
    def port(self) -> int:
        """Where gRPC is served."""
        return self._server.port

    @property
    def metrics_port(self) -> int:
        """Where /metrics, /livez and /readyz are served."""
        return self._http.port

    def start(self) -> None:
        """Take jobs and serve."""
        dramatiq.set_broker(self._broker)
        # A Worker made by hand emits no process_boot, and middlewares that wait for it would never begin.
        self._broker.emit_after("process_boot")
        self._worker.start()
        self._server.start()
        self._registration.start()
        log.info("serving", worker=self._broker.worker_id, port=self.port, metrics_port=self.metrics_port)

    def stop(self) -> None:
        """Take nothing more, let running jobs end, interrupt and give back the rest, tell every outcome."""
        self._broker.drain()
        interrupt = threading.Timer(self._drain_seconds, self._broker.interrupt_all)
        interrupt.daemon = True
        interrupt.start()
        self._worker.stop(timeout=round((self._drain_seconds + STOP_SECONDS) * 1000))
        interrupt.cancel()
        self._registration.stop()
        self._server.stop(GRACE_SECONDS)
        self._broker.close()
        self._channel.close()
        self._close_resources()
        self._engine.close()
        self._http.stop()
        log.info("stopped", jobs_left=len(self._broker.roster.running))

    def _living_threads(self) -> int:
        return sum(thread.is_alive() for thread in self._worker.workers)

    def _grpc_server(
        self, settings: WorkerSettings, verifier: TokenVerifier, registry: CollectorRegistry
    ) -> GrpcServer:
        servicer = WorkerServicer(self._broker, living_threads=self._living_threads)
        return GrpcServer(
            port=settings.worker_port,
            threads=GRPC_THREADS,
            interceptor=CallInterceptor(methods_of(SERVICE), verifier, translate=_translate, registry=registry),
            services=[SERVICE.full_name],
            add_servicers=lambda server: worker_service_pb2_grpc.add_WorkerServiceServicer_to_server(servicer, server),
            host=settings.worker_host or "[::]",
            with_reflection=settings.worker_reflection,
        )

    def _info(self, settings: WorkerSettings) -> queue_admin_service_pb2.WorkerInfo:
        host = settings.worker_host or socket.getfqdn()
        return queue_admin_service_pb2.WorkerInfo(
            id=self._broker.worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            address=f"{host}:{self._server.port}",
            queues=sorted(self._broker.desks),
            job_types=sorted(self._broker.actors),
            threads=settings.worker_threads,
            version=VERSION,
            started_at=round(time.time() * 1000),
        )


def _served(handlers: Sequence[Handler], queues: Sequence[str]) -> list[Handler]:
    known = {handler.job_type.queue for handler in handlers}
    unknown = sorted(set(queues) - known)
    if unknown:
        raise SettingsError(
            f"WORKER_QUEUES: no job type lives in {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        )
    return [handler for handler in handlers if not queues or handler.job_type.queue in queues]


def _translate(error: Exception) -> ServiceError | None:
    if isinstance(error, errors.StoreUnavailable):
        return ServiceError("UNAVAILABLE", "the store is away", retry_after_ms=1_000)
    return None

"""The running service: its parts, wired and stopped in order."""

from __future__ import annotations

import structlog
from prometheus_client import CollectorRegistry

from audit.database import Database
from audit.errors import translate
from audit.metrics import AuditMetrics
from audit.servicer import AuditServicer
from audit.settings import AuditSettings
from audit.store import AuditStore
from audit.verifier import EVERY_SECONDS, Verifier
from jobqueue.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from service_kit.contract import methods_of
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.lifecycle import Loop
from service_kit.metrics import MetricsServer
from service_kit.tokens import TokenVerifier

log = structlog.get_logger()
SERVICE = audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"]
DATABASE = "database"  # its entry in standard gRPC health
PROBE_SECONDS = 1.0
STUCK_SECONDS = 30.0


class AuditService:
    """Audit with its ports open and its probe running; PostgreSQL may come later, go and come back."""

    def __init__(self, settings: AuditSettings) -> None:
        """Opens the ports; raises SettingsError for missing keys, PortInUse for a port that is taken."""
        verifier = TokenVerifier.from_settings(settings)
        registry = CollectorRegistry()
        self._grace_seconds = settings.audit_grace_seconds
        self._metrics = AuditMetrics(registry)
        self._database = Database(
            settings.database_url, connections=settings.audit_threads, may_migrate=settings.audit_migrate
        )
        store = AuditStore(self._database)
        chain_verifier = Verifier(store, self._metrics, whole_every_seconds=settings.audit_verify_seconds)
        servicer = AuditServicer(store, chain_verifier, self._metrics, page_size=settings.job_ui_page_size)
        self._server = GrpcServer(
            port=settings.audit_port,
            threads=settings.audit_threads,
            interceptor=CallInterceptor(methods_of(SERVICE), verifier, translate=translate, registry=registry),
            services=[SERVICE.full_name],
            add_servicers=lambda server: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(servicer, server),
            host=settings.audit_host,
            with_reflection=settings.audit_reflection,
        )
        self._probe = Loop("probe", self._tick, every_seconds=PROBE_SECONDS)
        self._verifying = Loop("verifier", chain_verifier.tick, every_seconds=EVERY_SECONDS)
        self._http = MetricsServer(
            settings.audit_metrics_port, registry, live=self._live, ready=self._ready, host=settings.audit_host
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
        """Look for the database once, then serve whether it is there or not."""
        self._database.open()
        self._tick()
        self._server.start()
        self._probe.start()
        self._verifying.start()
        log.info("serving", port=self.port, metrics_port=self.metrics_port, database=self._database.problem or "ok")

    def stop(self) -> None:
        """Take no new calls, let running ones end, close the database."""
        self._server.stop(self._grace_seconds)
        self._verifying.stop()
        self._probe.stop()
        self._database.close()
        self._http.stop()
        log.info("stopped")

    def _tick(self) -> int:
        length = self._database.probe()
        self._metrics.probed(length)
        self._server.set_health(DATABASE, serving=length is not None)
        return 0

    def _live(self) -> str | None:
        age = self._probe.age_seconds()
        return f"the probe has been stuck for {age:.0f} s" if age > STUCK_SECONDS else None

    def _ready(self) -> str | None:
        return self._database.problem

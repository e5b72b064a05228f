"""Serving: the HTTP port, the metrics port, and stopping in order."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from api_gateway.app import Parts, build_app
from api_gateway.auth.bearer import Bearer
from api_gateway.auth.sessions import Sessions
from api_gateway.auth.signing import Signer, load_key, published_keys
from api_gateway.auth.users import UsersFile
from api_gateway.protocol import BoundedHttpProtocol
from api_gateway.settings import GatewaySettings
from service_kit import VERSION, tracing
from service_kit.logs import configure_logging
from service_kit.metrics import MetricsServer
from service_kit.ports import require_free
from service_kit.tokens import TokenVerifier

log = structlog.get_logger()
KEEP_ALIVE_SECONDS = 65  # longer than the idle time of the usual load balancers, so that they close first
STUCK_SECONDS = 15.0
BACKLOG = 2_048


def serve(settings: GatewaySettings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status. Raises SettingsError, or OSError for a port in use."""
    configure_logging("api-gateway", VERSION, level=settings.log_level)
    tracing.start_tracing(settings, "api-gateway", VERSION)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    registry = CollectorRegistry()
    app = build_app(parts_of(settings, registry))
    server = Server(configuration(app, settings))
    app.state.stopping = lambda: server.should_exit
    host, metrics_port = settings.gateway_host, settings.gateway_metrics_port
    with naming("PORT"):
        listener = listen(host, settings.port)
    with naming("GATEWAY_METRICS_PORT"):
        metrics = MetricsServer(metrics_port, registry, live=server.stuck, ready=server.not_ready, host=host)
    log.info("gateway_started", port=listener.getsockname()[1], metrics_port=metrics.port)
    server.run(sockets=[listener])
    metrics.stop()
    tracing.stop_tracing()
    log.info("gateway_stopped")
    return 0 if server.started else 1


def parts_of(settings: GatewaySettings, registry: CollectorRegistry) -> Parts:
    """The application's parts, wired as the settings say. Raises SettingsError."""
    key = load_key(settings.gateway_signing_key_file)
    bearer = Bearer(TokenVerifier.from_settings(settings))
    users = UsersFile(Path(settings.gateway_users_file) if settings.gateway_users_file else None)
    sessions = Sessions(
        users,
        Signer(key, settings.auth_issuer, settings.auth_audience),
        token_seconds=settings.gateway_token_seconds,
        session_seconds=settings.gateway_session_seconds,
    )
    return Parts(
        bearer=bearer,
        sessions=sessions,
        jwks=published_keys(key, settings.auth_jwks),
        queue_admin_address=settings.gateway_queue_admin_address,
        audit_address=settings.gateway_audit_address,
        registry=registry,
        environment=settings.gateway_environment,
        page_size=settings.job_ui_page_size,
        idle_seconds=settings.gateway_idle_seconds,
        root_path=settings.gateway_root_path,
    )


def configuration(app: object, settings: GatewaySettings) -> uvicorn.Config:
    """How uvicorn runs here."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application
        loop="uvloop",
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.gateway_trusted_proxies),
        forwarded_allow_ips=settings.gateway_trusted_proxies or None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.gateway_drain_seconds,
    )


@contextmanager
def naming(setting: str) -> Iterator[None]:
    """Put the setting's name before what is wrong with its port."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{setting}: {error.strerror or error}") from error


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises OSError when the port is in use."""
    require_free(host, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    return listener


class Server(uvicorn.Server):
    """Ends with status 0 after a signal, and knows whether its event loop still turns."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._beat_at = time.monotonic()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the library's signature
        """Finish what runs; at once at the second signal. The library would die of the signal afterwards."""
        self.force_exit, self.should_exit = self.should_exit, True

    async def on_tick(self, counter: int) -> bool:
        """Called by the library ten times a second on the event loop."""
        self._beat_at = time.monotonic()
        return await super().on_tick(counter)

    def stuck(self) -> str | None:
        """What is wrong when the event loop does not turn."""
        age = time.monotonic() - self._beat_at
        return f"the event loop has not turned for {age:.0f} s" if age > STUCK_SECONDS else None

    def not_ready(self) -> str | None:
        """What is wrong when requests should not be sent here."""
        if not self.started or self.should_exit:
            return "stopping" if self.should_exit else "starting"
        return self.stuck()

"""The application, put together from its parts; each part brings its own routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from api_gateway import problems
from api_gateway.auth.bearer import Bearer
from api_gateway.auth.routes import auth_routes
from api_gateway.auth.sessions import Sessions
from api_gateway.clients import Clients
from api_gateway.dashboard.routes import dashboard_routes
from api_gateway.docs.pages import docs_routes
from api_gateway.health import AUDIT, QUEUE_ADMIN, Health, health_route
from api_gateway.middleware import RequestMiddleware
from api_gateway.root_path import RootPathMiddleware
from api_gateway.transcoding.routes import ContractRoutes, endpoints_of
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2
from service_kit.errors import ServiceError
from service_kit.settings import SettingsError

SERVICES = (
    queue_admin_service_pb2.DESCRIPTOR.services_by_name["QueueAdminService"],
    audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"],
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of. `addresses`: `host:port` of each gRPC service behind it."""

    bearer: Bearer
    sessions: Sessions
    jwks: Mapping[str, Any]
    queue_admin_address: str
    audit_address: str
    registry: CollectorRegistry
    environment: str = ""
    """What the dashboard's badge says; empty: none."""
    page_size: int = 25
    idle_seconds: int = 14_400
    """How long a session of the dashboard lasts after the last page somebody asked for."""
    root_path: str = ""
    """Where a proxy shows all of it, such as `/ops/queue`; empty: at the host's root."""


def build_app(parts: Parts) -> Starlette:
    """The whole application. Raises SettingsError for a root path that its own paths cannot be told from."""
    routes = _routes(parts)
    addresses = {QUEUE_ADMIN: parts.queue_admin_address, AUDIT: parts.audit_address}

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        clients = Clients(addresses)  # a channel belongs to the event loop it is made on
        yield {"clients": clients, "health": Health(clients)}
        await clients.close()

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(RootPathMiddleware, root_path=parts.root_path),
            Middleware(RequestMiddleware, registry=parts.registry),
        ],
        exception_handlers={
            ServiceError: problems.handle_service_error,
            HTTPException: problems.handle_http_exception,
        },
    )
    app.router.redirect_slashes = False
    app.state.stopping = lambda: False  # whoever serves it knows better
    return app


def _routes(parts: Parts) -> Sequence[BaseRoute]:
    endpoints = endpoints_of(*SERVICES)
    routes = [
        *auth_routes(parts.sessions, parts.bearer, parts.jwks),
        health_route(),
        *docs_routes(endpoints, parts.root_path),
        *dashboard_routes(
            parts.sessions,
            idle_seconds=parts.idle_seconds,
            environment=parts.environment,
            page_size=parts.page_size,
        ),
    ]
    paths = [*(route.path for route in routes), *(endpoint.template for endpoint in endpoints)]
    first = parts.root_path.split("/")[1:2]
    if any(first == path.split("/")[1:2] for path in paths):
        raise SettingsError(f"GATEWAY_ROOT_PATH: paths of the gateway's own begin with /{first[0]}; choose another")
    return [*routes, ContractRoutes(endpoints, parts.bearer)]

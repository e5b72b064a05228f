"""GET /health: how the system is, without secrets and without a token."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import orjson
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api_gateway.clients import Clients

QUEUE_ADMIN = "jobqueue.queue.v1.QueueAdminService"
AUDIT = "jobqueue.audit.v1.AuditService"
# What a service vouches for, by the names of its standard health entries.
STORE, DATABASE, ITSELF = "store", "database", ""
PROBE_SECONDS = 1.0
KEPT_SECONDS = 1.0  # however often somebody asks, the services are asked about once a second
UP, DOWN, UNKNOWN = "up", "down", "unknown"


class Health:
    """Asks the services how they are; one answer serves everybody who asks within a second."""

    def __init__(self, clients: Clients) -> None:
        self._queue_admin = health_pb2_grpc.HealthStub(clients.channel(QUEUE_ADMIN))
        self._audit = health_pb2_grpc.HealthStub(clients.channel(AUDIT))
        self._lock = asyncio.Lock()
        self._kept: dict[str, Any] = {}
        self._kept_until = 0.0

    async def report(self) -> dict[str, Any]:
        """What /health answers: `ok` when everything is up, else `degraded`."""
        async with self._lock:
            if time.monotonic() >= self._kept_until:
                self._kept = await self._ask()
                self._kept_until = time.monotonic() + KEPT_SECONDS
            return self._kept

    async def _ask(self) -> dict[str, Any]:
        queue_admin, store, audit, database = await asyncio.gather(
            _check(self._queue_admin, ITSELF),
            _check(self._queue_admin, STORE),
            _check(self._audit, ITSELF),
            _check(self._audit, DATABASE),
        )
        all_up = {queue_admin, store, audit, database} == {UP}
        return {
            "status": "ok" if all_up else "degraded",
            "redis": {"status": store},
            "database": {"status": database},
            "services": {"queue-admin": {"status": queue_admin}, "audit": {"status": audit}},
        }


async def _check(stub: Any, entry: str) -> str:
    """A service that cannot be reached is down, and what it vouches for unknown."""
    try:
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=entry), timeout=PROBE_SECONDS)
    except grpc.aio.AioRpcError:
        return UNKNOWN if entry else DOWN
    return UP if answer.status == health_pb2.HealthCheckResponse.SERVING else DOWN


def health_route() -> Route:
    """GET /health; 200 as long as the gateway lives."""

    async def health(request: Request) -> Response:
        found: Health = request.state.health
        return Response(orjson.dumps(await found.report()), media_type="application/json")

    return Route("/health", health, methods=["GET"])

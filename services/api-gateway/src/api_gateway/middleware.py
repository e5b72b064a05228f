"""Around every request: its id, the security headers, one log line, one measurement."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import structlog
from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_gateway import problems
from service_kit import tracing
from service_kit.context import REQUEST_ID_KEY, accept_request_id

log = structlog.get_logger()
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
UNTRACED = frozenset({"/health"})  # asked every few seconds, by machines
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "base-uri 'none'; frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)


class RequestMiddleware:
    """The outermost layer of the application; also the last to see an error."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time a request took.",
            ["route", "method", "status"],
            buckets=SECONDS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] in UNTRACED:
            await self._serve(scope, receive, send, headers, tracing.NO_SPAN)
            return
        # Only the trace is taken over: what else a stranger's tracestate says would travel to the collector.
        came_from = {name: headers[name] for name in (tracing.TRACEPARENT,) if name in headers}
        with tracing.span(_method(scope), "server", parent=came_from) as span:
            await self._serve(scope, receive, send, headers, span)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, headers: Headers, span: tracing.Span) -> None:
        began = time.perf_counter()
        request_id = accept_request_id(headers.get(REQUEST_ID_KEY))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # the edge: whatever it is, the caller gets an answer
            if status:
                raise
            await problems.from_defect(error, Request(scope))(scope, receive, send_with_headers)
        finally:
            self._record(scope, status, time.perf_counter() - began)
            _describe(span, scope, status, request_id)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        method = _method(scope)
        self._seconds.labels(route, method, str(status)).observe(seconds)
        log.info("http_request", route=route, method=method, status=status, ms=round(seconds * 1_000, 1))


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _describe(span: tracing.Span, scope: Scope, status: int, request_id: str) -> None:
    route = route_of(scope)
    span.rename(f"{_method(scope)} {route}")
    span.tell(
        {
            "http.request.method": _method(scope),
            "http.route": route,
            "http.response.status_code": status,
            "jobqueue.request_id": request_id,
        }
    )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.fail(str(status))


def route_of(scope: Scope) -> str:
    """The pattern of the route that served the request: few values, however many paths are asked for."""
    return str(scope.get("route_template") or getattr(scope.get("route"), "path", "") or "unmatched")


def _add_headers(headers: MutableHeaders, request_id: str) -> None:
    headers[REQUEST_ID_KEY] = request_id
    headers.setdefault("Cache-Control", "no-store")
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)

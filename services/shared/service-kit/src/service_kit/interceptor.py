"""The one gRPC server interceptor: request id, deadline, token, role, field rules, errors, metrics and logs."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import structlog
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry, Histogram

from service_kit import tracing
from service_kit.context import REQUEST_ID_KEY, accept_request_id, enter_call
from service_kit.contract import Method
from service_kit.errors import ServiceError, to_status
from service_kit.roles import require_role
from service_kit.tokens import TokenVerifier
from service_kit.validation import validate

log = structlog.get_logger()
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
STANDARD_SERVICES = ("/grpc.health.", "/grpc.reflection.")
A_YEAR_SECONDS = 365 * 86_400  # a call without a deadline has one in some hundred million years
SUBJECTS = ("queue", "job_id", "worker_id")
ErrorMap = Callable[[Exception], ServiceError | None]


class CallInterceptor(grpc.ServerInterceptor):
    """Guards every method of our contract. Standard health and reflection pass; any other method is unknown.

    `translate` turns a service's domain errors into ServiceError, None for one it does not know.
    """

    def __init__(
        self,
        methods: Mapping[str, Method],
        verifier: TokenVerifier,
        *,
        translate: ErrorMap,
        registry: CollectorRegistry,
    ) -> None:
        self._methods, self._verifier, self._translate = methods, verifier, translate
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "Time a gRPC call took.",
            ["method", "code"],
            buckets=SECONDS,
            registry=registry,
        )

    def intercept_service(self, continuation: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Wrap the method's handler."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(STANDARD_SERVICES):
            return handler
        method = self._methods.get(handler_call_details.method)
        if method is None or handler.unary_unary is None:
            return None

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            # Threads are reused: what a call binds to its context must not reach the next one.
            return contextvars.Context().run(self._traced, method, handler.unary_unary, request, context)

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _traced(self, method: Method, behaviour: Any, request: Any, context: grpc.ServicerContext) -> Any:
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        with tracing.span(method.path[1:], "server", parent=metadata) as span:
            return self._call(method, behaviour, request, context, metadata, span)

    def _call(
        self,
        method: Method,
        behaviour: Any,
        request: Any,
        context: grpc.ServicerContext,
        metadata: dict[str, str],
        span: tracing.Span,
    ) -> Any:
        began = time.perf_counter()
        request_id = accept_request_id(metadata.get(REQUEST_ID_KEY))
        structlog.contextvars.bind_contextvars(request_id=request_id, method=method.name)
        code = "OK"
        try:
            context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
            self._admit(method, metadata, request_id, context)
            validate(request)
            structlog.contextvars.bind_contextvars(**_subject(request))
            return behaviour(request, context)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets a status
            refusal = self._refusal(error)
            code = refusal.reason
            status = rpc_status.to_status(to_status(refusal))
            context.set_trailing_metadata((*status.trailing_metadata, (REQUEST_ID_KEY, request_id)))
            span.fail(code)
            context.abort(status.code, status.details)
        finally:
            self._seconds.labels(method.name, code).observe(time.perf_counter() - began)

    def _admit(self, method: Method, metadata: dict[str, str], request_id: str, context: grpc.ServicerContext) -> None:
        remaining = context.time_remaining()
        if remaining > A_YEAR_SECONDS:
            raise ServiceError("INVALID_REQUEST", "every call needs a deadline")
        if remaining <= 0:
            raise ServiceError("DEADLINE", "the deadline passed before the call began; it had no effect")
        scheme, _, token = metadata.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ServiceError("UNAUTHENTICATED", "a bearer token is needed")
        caller = self._verifier.verify(token)
        require_role(caller.roles, method.roles)
        enter_call(caller, request_id)
        structlog.contextvars.bind_contextvars(actor=caller.subject)

    def _refusal(self, error: Exception) -> ServiceError:
        refusal = error if isinstance(error, ServiceError) else self._translate(error)
        if refusal is None:
            log.error("call_failed", exc_info=error)
            return ServiceError("INTERNAL", "something went wrong here; the request id finds it in the logs")
        log.info("call_refused", reason=refusal.reason, detail=refusal.detail)
        return refusal


def _subject(request: Any) -> dict[str, str]:
    """What the call is about, so that every line it logs says so."""
    found = ((name, getattr(request, name, "")) for name in SUBJECTS)
    return {name: value for name, value in found if isinstance(value, str) and value}

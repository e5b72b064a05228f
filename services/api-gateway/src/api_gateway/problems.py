"""Refusals as REST shows them: RFC 9457 problem documents, one shape for every error of every route."""

from __future__ import annotations

import http
import math
from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api_gateway.root_path import at
from service_kit.errors import HTTP_STATUS, ServiceError

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/docs#"  # where the code is explained


def from_service_error(error: ServiceError, request: Request) -> Response:
    """A refusal by our own ErrorReason."""
    headers = {}
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_ms / 1_000)))
    if error.reason == "UNAUTHENTICATED":
        headers["WWW-Authenticate"] = "Bearer"
    extra: dict[str, Any] = {}
    if error.fields:
        extra["errors"] = [{"field": item.field, "problem": item.problem} for item in error.fields]
    if error.metadata:
        extra["metadata"] = error.metadata
    return _problem(request, HTTP_STATUS[error.reason], error.reason, error.detail, extra, headers)


def from_http_exception(error: HTTPException, request: Request) -> Response:
    """A refusal that only HTTP knows (no such route, method or media type); its code is the status's own name."""
    status = http.HTTPStatus(error.status_code)
    detail = status.description if error.detail == status.phrase else error.detail
    return _problem(request, status.value, status.name, detail, {}, dict(error.headers or {}))


def from_defect(error: Exception, request: Request) -> Response:
    """A defect of ours: said in the logs, not to the caller."""
    log.error("request_failed", exc_info=error)
    return from_service_error(
        ServiceError("INTERNAL", "something went wrong here; the request id finds it in the logs"), request
    )


async def handle_service_error(request: Request, error: Exception) -> Response:
    """For Starlette's table of exception handlers."""
    if not isinstance(error, ServiceError):
        raise TypeError("registered for ServiceError only")
    return from_service_error(error, request)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """For Starlette's table of exception handlers."""
    if not isinstance(error, HTTPException):
        raise TypeError("registered for HTTPException only")
    return from_http_exception(error, request)


def title(code: str) -> str:
    """`JOB_NOT_FOUND` as words: Job not found."""
    return code.replace("_", " ").capitalize()


def _problem(
    request: Request, status: int, code: str, detail: str, extra: dict[str, Any], headers: dict[str, str]
) -> Response:
    body = {
        "type": at(f"{TYPE_PREFIX}{code}"),
        "title": title(code),
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": request.state.request_id,
        **extra,
    }
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)

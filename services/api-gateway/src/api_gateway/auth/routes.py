"""The routes of logging in, and the public keys that verify tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api_gateway import json_text
from api_gateway.auth.bearer import Bearer
from api_gateway.auth.sessions import Session, Sessions
from api_gateway.body import read_json_text
from api_gateway.field_problems import Problems
from service_kit.errors import ServiceError

LOGIN_BYTES = 16 * 1024
LOGIN_FIELDS = ("email", "password")


def auth_routes(sessions: Sessions, bearer: Bearer, jwks: Mapping[str, Any]) -> list[Route]:
    """POST /auth/login and /auth/refresh, GET /.well-known/jwks.json."""
    published = orjson.dumps(jwks)

    async def login(request: Request) -> Response:
        email, password = read_credentials(await read_json_text(request, LOGIN_BYTES))
        address = request.client.host if request.client else ""
        return _answer(await sessions.login(email, password, address=address))

    async def refresh(request: Request) -> Response:
        return _answer(sessions.refresh(await bearer.authenticate(request)))

    async def keys(_request: Request) -> Response:
        return Response(published, media_type="application/json", headers={"Cache-Control": "public, max-age=60"})

    return [
        Route("/auth/login", login, methods=["POST"]),
        Route("/auth/refresh", refresh, methods=["POST"]),
        Route("/.well-known/jwks.json", keys, methods=["GET"]),
    ]


def read_credentials(text: str) -> tuple[str, str]:
    """Email and password in a login's body; raises ServiceError INVALID_REQUEST that names the fields."""
    if not text:
        raise ServiceError("INVALID_REQUEST", "the body must be a JSON object with email and password")
    problems = Problems()
    found: dict[str, str] = {}
    for name, value in json_text.members(text):
        given = json_text.scalar(value)
        if name not in LOGIN_FIELDS or name in found:
            problems.add(name, "is given more than once" if name in found else "is no field of this request")
        elif not isinstance(given, str) or not given:
            problems.add(name, "must be a string that is not empty")
        elif _has_lone_surrogate(given):
            problems.add(name, "holds half of a surrogate pair")
        found.setdefault(name, given)
    for name in LOGIN_FIELDS:
        if name not in found:
            problems.add(name, "is required")
    problems.raise_any()
    return found["email"], found["password"]


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _answer(session: Session) -> Response:
    return Response(orjson.dumps(session.as_json()), media_type="application/json")

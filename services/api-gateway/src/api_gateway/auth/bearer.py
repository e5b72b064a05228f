"""Who calls: the bearer token of a request, verified."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from service_kit.errors import ServiceError
from service_kit.roles import require_role
from service_kit.tokens import Caller, TokenVerifier


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A verified caller and the token that says so, to be passed on."""

    caller: Caller
    token: str


class Bearer:
    """Verifies the tokens of requests."""

    REMEMBERED = 10_000

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._seen: set[str] = set()

    async def authenticate(self, request: Request) -> Authenticated:
        """Who sent the request; raises ServiceError UNAUTHENTICATED."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise ServiceError("UNAUTHENTICATED", "a bearer token is needed")
        caller = await self._verify(token)
        structlog.contextvars.bind_contextvars(actor=caller.subject)
        return Authenticated(caller, token)

    async def require(self, request: Request, roles: Collection[str]) -> Authenticated:
        """The same, with one of `roles`; raises ServiceError ROLE_REQUIRED too."""
        found = await self.authenticate(request)
        require_role(found.caller.roles, roles)
        return found

    async def _verify(self, token: str) -> Caller:
        # A new token may need its issuer's keys fetched, so that is left to a thread; a known one is only looked up.
        if token in self._seen:
            return self._verifier.verify(token)
        caller = await run_in_threadpool(self._verifier.verify, token)
        if len(self._seen) >= self.REMEMBERED:
            self._seen.clear()
        self._seen.add(token)
        return caller

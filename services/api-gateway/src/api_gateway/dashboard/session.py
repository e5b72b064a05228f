"""A person's session in the browser: a signed cookie that renews itself while it is used.

The cookie is no access token (its `typ` is another, so no service accepts it); for each session a short access token is
made here and passed on. Roles are those of the users file at that moment; a password that was changed there ends the
session at every gateway. Signing out is remembered by this process until the cookie would have ended; elsewhere the
browser no longer has the cookie.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from api_gateway.auth.bearer import Authenticated
from api_gateway.auth.sessions import Login, Session, Sessions
from api_gateway.auth.signing import ALGORITHM, key_id
from api_gateway.root_path import cookie_path
from service_kit.errors import ServiceError
from service_kit.keys import OUR_ALGORITHMS, Signatures
from service_kit.tokens import Caller

COOKIE_TYPE = "session+jwt"
RENEW_SECONDS = 60  # a cookie younger than this is not sent again
SPARE_SECONDS = 60  # an access token is replaced before it ends in the middle of a call
REMEMBERED = 10_000
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
DASHBOARD_ROLES = frozenset({"ADMIN", "OPS"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the dashboard."""

    caller: Caller
    token: str
    session_id: str
    login: Login
    cookie_at: int

    @property
    def authenticated(self) -> Authenticated:
        """For calls in the viewer's name."""
        return Authenticated(self.caller, self.token)

    @property
    def is_admin(self) -> bool:
        """May do what only ADMIN may."""
        return "ADMIN" in self.caller.roles

    @property
    def may_enter(self) -> bool:
        """The dashboard is for operators."""
        return bool(self.caller.roles & DASHBOARD_ROLES)

    @property
    def name(self) -> str:
        """What the page calls them."""
        return self.caller.email or self.caller.subject


class BrowserSessions:
    """Opens, reads, renews and ends sessions. Used on one event loop."""

    def __init__(self, sessions: Sessions, *, idle_seconds: int) -> None:
        """A cookie is good for `idle_seconds` after the last page somebody asked for."""
        self._sessions, self._idle_seconds = sessions, idle_seconds
        self._tokens: OrderedDict[str, Viewer] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    async def login(self, email: str, password: str, *, address: str) -> Viewer:
        """A new session; raises ServiceError UNAUTHENTICATED or LIMITED."""
        opened = await self._sessions.login(email, password, address=address)
        return self._remember(uuid.uuid4().hex, opened, cookie_at=opened.login.at)

    def viewer(self, request: Request) -> Viewer | None:
        """Whose session the request belongs to; None without one that is good now."""
        cookie = request.cookies.get(cookie_name(request), "")
        claims = self._claims(cookie) if cookie else None
        login = Login.of(claims) if claims else None
        if claims is None or login is None or claims["sid"] in self._ended:
            return None
        try:
            user = self._sessions.member(claims["sub"], login)
            known = self._tokens.get(claims["sid"])
            if known and known.caller.roles == user.roles and known.caller.expires_at > time.time() + SPARE_SECONDS:
                return replace(known, cookie_at=claims["iat"])
            opened = self._sessions.resume(claims["sub"], login)
        except ServiceError:
            return None
        return self._remember(claims["sid"], opened, cookie_at=claims["iat"])

    def renew(self, request: Request, response: Response, viewer: Viewer) -> None:
        """Send the cookie again when it has been used for a while."""
        if time.time() > viewer.cookie_at + RENEW_SECONDS:
            self.keep(request, response, viewer)

    def keep(self, request: Request, response: Response, viewer: Viewer) -> None:
        """Give the browser a cookie that is good from now on."""
        now = int(time.time())
        signer = self._sessions.signer
        claims = {
            "iss": signer.issuer,
            "sub": viewer.caller.subject,
            "sid": viewer.session_id,
            **viewer.login.as_claims(),
            "iat": now,
            "exp": now + self._idle_seconds,
        }
        header = {"alg": ALGORITHM, "typ": COOKIE_TYPE, "kid": key_id(signer.key)}
        value = jwt.encode(header, claims, signer.key, registry=Signatures(OUR_ALGORITHMS))
        response.set_cookie(
            cookie_name(request),
            value,
            max_age=self._idle_seconds,
            path=cookie_path(),
            httponly=True,
            samesite="lax",
            secure=secure(request),
        )

    def end(self, request: Request, response: Response, viewer: Viewer | None) -> None:
        """Sign out."""
        if viewer is not None:
            self._ended[viewer.session_id] = None
            self._tokens.pop(viewer.session_id, None)
            if len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        response.delete_cookie(
            cookie_name(request), path=cookie_path(), httponly=True, samesite="lax", secure=secure(request)
        )

    def _claims(self, cookie: str) -> dict[str, Any] | None:
        signer = self._sessions.signer
        try:
            decoded = jwt.decode(cookie, signer.key, registry=Signatures(OUR_ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        claims = decoded.claims
        good = decoded.header.get("typ") == COOKIE_TYPE and claims.get("iss") == signer.issuer
        return claims if good and claims["exp"] > time.time() else None

    def _remember(self, session_id: str, opened: Session, *, cookie_at: int) -> Viewer:
        user = opened.user
        expires_at = int(time.time()) + opened.expires_in
        caller = Caller(user.id, self._sessions.signer.issuer, "", user.roles, expires_at, user.email)
        viewer = Viewer(caller, opened.access_token, session_id, opened.login, cookie_at)
        self._tokens[session_id] = viewer
        self._tokens.move_to_end(session_id)
        if len(self._tokens) > REMEMBERED:
            self._tokens.popitem(last=False)
        return viewer


def secure(request: Request) -> bool:
    """Whether cookies are for HTTPS only: always, but on this machine itself, where some browsers would drop them."""
    return not (request.url.scheme == "http" and request.url.hostname in LOOPBACK)


def cookie_name(request: Request) -> str:
    """With HTTPS the prefix by which browsers refuse a cookie that a neighbouring host has planted.

    On a part of a host there is only the one that refuses what was planted without HTTPS.
    """
    if not secure(request):
        return "jobqueue-session"
    return f"{'__Host-' if cookie_path() == '/' else '__Secure-'}jobqueue-session"

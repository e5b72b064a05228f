"""Tokens: signed JWTs. Only the gateway signs ours; everyone verifies with the public keys."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError

from service_kit.errors import ServiceError
from service_kit.keys import EXTERNAL_ALGORITHMS, OUR_ALGORITHMS, KeySource, Signatures
from service_kit.roles import OUR_ROLES, PUBLIC_ROLES
from service_kit.settings import ServiceSettings, SettingsError

TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's name for an access token
LEEWAY_SECONDS = 30
REMEMBERED = 10_000  # tokens; about 10 MB
MOST_CHARACTERS = 200  # of a subject and of a token's id: what a job's owner and an audit record can hold
REMEMBER_SECONDS = 300  # afterwards the signature is checked again, with the keys of that time


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as a verified token says it."""

    subject: str
    issuer: str
    token_id: str
    roles: frozenset[str]
    expires_at: int  # seconds since the epoch
    email: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer whose tokens are accepted."""

    name: str
    audience: str
    keys: KeySource
    algorithms: tuple[str, ...]
    roles_claim: str  # a name, or a path with dots: `realm_access.roles`
    roles: frozenset[str]  # roles it may give
    token_type: str | None = None  # what the header's `typ` must say; None: anything


class TokenRefused(ValueError):
    """The token is not one we accept; the text says why without quoting it."""


class TokenVerifier:
    """Turns a bearer token into a Caller. Thread-safe; verified tokens are remembered for a while."""

    def __init__(self, issuers: list[Issuer]) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._known: dict[str, tuple[float, Caller]] = {}  # until when, and whose it is

    @classmethod
    def from_settings(cls, settings: ServiceSettings) -> TokenVerifier:
        """Our own issuer, and the external one when it is configured; raises SettingsError when keys are missing."""
        if not settings.auth_jwks:
            raise SettingsError("AUTH_JWKS: is needed, the file or URL of the keys that verify tokens")
        issuers = [_our_issuer(settings)]
        if settings.auth_external_issuer:
            issuers.append(_external_issuer(settings))
        return cls(issuers)

    def verify(self, token: str) -> Caller:
        """Raises ServiceError UNAUTHENTICATED for anything but a valid, current token of a known issuer."""
        now = time.time()
        good_until, known = self._known.get(token, (0.0, None))
        if known is not None and now < good_until:
            return known
        try:
            caller = self._decode(token)
        except ServiceError:
            raise
        except Exception as error:  # whatever a hostile token makes the libraries raise, it is not valid
            raise ServiceError("UNAUTHENTICATED", f"the token is not valid: {_why(error)}") from error
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = (min(now + REMEMBER_SECONDS, caller.expires_at + LEEWAY_SECONDS), caller)
        return caller

    def _decode(self, token: str) -> Caller:
        header, claims = _peek(token)
        issuer = self._issuers.get(str(claims.get("iss")))
        if issuer is None:
            raise TokenRefused("its issuer is not known")
        if "crit" in header:
            raise TokenRefused("its header has critical extensions")
        if issuer.token_type is not None and header.get("typ") != issuer.token_type:
            raise TokenRefused("it is not an access token")
        keys = issuer.keys.keys_for(header.get("kid"))
        decoded = jwt.decode(token, keys, registry=Signatures(issuer.algorithms))
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer.name},
            aud={"essential": True, "value": issuer.audience},
            exp={"essential": True},
            sub={"essential": True},
        ).validate(decoded.claims)
        return _caller(issuer, decoded.claims)


def _our_issuer(settings: ServiceSettings) -> Issuer:
    keys = KeySource(settings.auth_jwks)
    return Issuer(settings.auth_issuer, settings.auth_audience, keys, OUR_ALGORITHMS, "roles", OUR_ROLES, TOKEN_TYPE)


def _external_issuer(settings: ServiceSettings) -> Issuer:
    return Issuer(
        settings.auth_external_issuer,
        settings.auth_external_audience,
        KeySource(settings.auth_external_jwks),
        EXTERNAL_ALGORITHMS,
        settings.auth_external_roles_claim,
        PUBLIC_ROLES,
    )


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they stand, before anything is verified."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        raise TokenRefused("it is not a signed JWT")
    header, claims = (orjson.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenRefused("it is not a signed JWT")
    return header, claims


def _caller(issuer: Issuer, claims: Mapping[str, Any]) -> Caller:
    roles = _roles(claims, issuer.roles_claim) & issuer.roles
    subject, token_id = _short(claims["sub"], "subject"), _short(str(claims.get("jti", "")), "id")
    return Caller(subject, issuer.name, token_id, roles, int(claims["exp"]), str(claims.get("email", "")))


def _short(text: str, what: str) -> str:
    if len(text) > MOST_CHARACTERS or not text.isprintable():
        raise TokenRefused(f"its {what} is not at most {MOST_CHARACTERS} printable characters")
    return text


def _roles(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for step in claim.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    return frozenset(str(role) for role in (found if isinstance(found, list) else [found]))


def _why(error: Exception) -> str:
    if isinstance(error, TokenRefused):
        return str(error)
    return error.error.replace("_", " ") if isinstance(error, JoseError) else "it cannot be read"


class TokenFile:
    """A service's own token, read again when its file changes."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: tuple[int, str] | None = None

    def read(self) -> str:
        """The token now; raises ServiceError UNAVAILABLE while the file cannot be read."""
        try:
            changed = self._path.stat().st_mtime_ns
            if self._seen is None or self._seen[0] != changed:
                self._seen = (changed, self._path.read_text().strip())
        except (OSError, ValueError) as error:
            raise ServiceError(
                "UNAVAILABLE", "this service's own token cannot be read", retry_after_ms=1_000
            ) from error
        return self._seen[1]

"""Logging in with a password, and refreshing the token while the session lasts."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
import orjson
import structlog

from api_gateway.auth.bearer import Authenticated
from api_gateway.auth.passwords import MOST_CHARACTERS, Passwords
from api_gateway.auth.signing import Signer
from api_gateway.auth.throttle import Throttle
from api_gateway.auth.users import User, UsersFile, normal
from service_kit.errors import ServiceError

log = structlog.get_logger()
HASHES_AT_ONCE = 2  # each takes a core and 64 MiB
PERSON_ATTEMPTS, ADDRESS_ATTEMPTS, WINDOW_SECONDS = 10, 100, 300.0


@dataclass(frozen=True, slots=True)
class Login:
    """What a session began with: when, in seconds since the epoch, and with which password.

    It travels in the tokens of the session, so that every gateway sees that the password is another by now.
    """

    at: int
    password_mark: str

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> Login | None:
        """From the claims of a token whose signature was checked; None for a token that belongs to no session."""
        at, mark = claims.get("auth_time"), claims.get("pwm")
        return cls(at, mark) if isinstance(at, int) and isinstance(mark, str) else None

    def as_claims(self) -> dict[str, int | str]:
        """For the tokens of the session."""
        return {"auth_time": self.at, "pwm": self.password_mark}


@dataclass(frozen=True, slots=True)
class Session:
    """What a login and a refresh answer. `expires_in` is in seconds."""

    access_token: str
    expires_in: int
    user: User
    login: Login

    def as_json(self) -> dict[str, Any]:
        """As REST shows it."""
        user = {"id": self.user.id, "email": self.user.email, "roles": sorted(self.user.roles)}
        return {"accessToken": self.access_token, "tokenType": "Bearer", "expiresIn": self.expires_in, "user": user}


class Sessions:
    """Opens and prolongs sessions of the users in the users file."""

    def __init__(self, users: UsersFile, signer: Signer, *, token_seconds: int, session_seconds: int) -> None:
        self._users, self._signer = users, signer
        self._token_seconds, self._session_seconds = token_seconds, session_seconds
        self._passwords = Passwords()
        self._hashing = anyio.CapacityLimiter(HASHES_AT_ONCE)
        # Wrong passwords for one person from one address; a stranger elsewhere cannot lock that person out.
        self._by_person = Throttle(PERSON_ATTEMPTS, WINDOW_SECONDS)
        self._by_address = Throttle(ADDRESS_ATTEMPTS, WINDOW_SECONDS)

    @property
    def signer(self) -> Signer:
        """What signs the tokens."""
        return self._signer

    async def login(self, email: str, password: str, *, address: str) -> Session:
        """A new session. Raises ServiceError UNAUTHENTICATED, or LIMITED after too many attempts."""
        person = (normal(email), address)
        self._by_address.count(address)
        self._by_person.count(person)
        user = self._users.by_email(email)
        known_hash = user.password_hash if user else None
        fits = len(password) <= MOST_CHARACTERS and await anyio.to_thread.run_sync(
            self._passwords.fits, known_hash, password, limiter=self._hashing
        )
        if not fits or user is None:
            log.warning("login_refused", address=address)
            raise ServiceError("UNAUTHENTICATED", "email or password is wrong")
        self._by_address.forgive(address)
        self._by_person.forget(person)
        log.info("login_accepted", user=user.id, address=address)
        return self._session(user, Login(int(time.time()), user.password_mark))

    def refresh(self, by: Authenticated) -> Session:
        """A further token for the same session, with the user's roles of now. Raises ServiceError UNAUTHENTICATED."""
        login = Login.of(_claims(by.token))
        if by.caller.issuer != self._signer.issuer or login is None:
            raise ServiceError("UNAUTHENTICATED", "this token belongs to no session that was opened here")
        return self.resume(by.caller.subject, login)

    def resume(self, user_id: str, login: Login) -> Session:
        """The same for a session known by its user and its login."""
        return self._session(self.member(user_id, login), login)

    def member(self, user_id: str, login: Login) -> User:
        """The user of a session that lasts; raises ServiceError UNAUTHENTICATED."""
        user = self._users.by_id(user_id)
        if user is None:
            raise ServiceError("UNAUTHENTICATED", "this token belongs to no session that was opened here")
        if time.time() >= login.at + self._session_seconds or user.password_mark != login.password_mark:
            raise ServiceError("UNAUTHENTICATED", "the session has ended; log in again")
        return user

    def _session(self, user: User, login: Login) -> Session:
        left = login.at + self._session_seconds - int(time.time())
        seconds = min(self._token_seconds, left)
        token = self._signer.sign(user.id, user.roles, seconds=seconds, email=user.email, session=login.as_claims())
        return Session(token, seconds, user, login)


def _claims(verified_token: str) -> dict[str, Any]:
    """The claims of a token whose signature was checked already."""
    part = verified_token.split(".")[1]
    claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims

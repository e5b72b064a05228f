"""The users who may log in here: one JSON file with argon2 hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

from api_gateway.files import PRIVATE, write_whole
from service_kit.roles import INTERNAL_ROLES
from service_kit.settings import SettingsError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class User:
    """One user; `id` is the `sub` of the tokens."""

    id: str
    email: str
    roles: frozenset[str]
    password_hash: str

    @property
    def password_mark(self) -> str:
        """Another one for another password, and no way back to either."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """As the file holds it."""
        return {"id": self.id, "email": self.email, "roles": sorted(self.roles), "passwordHash": self.password_hash}


class UsersFile:
    """Reads the file again when it changes; a missing file has no users."""

    def __init__(self, path: Path | None) -> None:
        """Raises SettingsError when the file is there and cannot be used."""
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._users: tuple[User, ...] = ()
        self._read()

    def all(self) -> tuple[User, ...]:
        """Everyone, by email."""
        try:
            self._read()
        except SettingsError as error:  # people who are known go on working while an editor saves half a file
            log.warning("users_file_unreadable", error=str(error))
        return self._users

    def by_email(self, email: str) -> User | None:
        """The user of an email address, however it is capitalised."""
        return next((user for user in self.all() if user.email == normal(email)), None)

    def by_id(self, user_id: str) -> User | None:
        """The user of an id."""
        return next((user for user in self.all() if user.id == user_id), None)

    def put(self, user: User) -> None:
        """Add a user, or replace the one of the same email."""
        self._write([*(u for u in self.all() if u.email != user.email), user])

    def remove(self, email: str) -> bool:
        """Remove a user; False when there was none."""
        kept = [user for user in self.all() if user.email != normal(email)]
        if len(kept) == len(self._users):
            return False
        self._write(kept)
        return True

    def _write(self, users: Iterable[User]) -> None:
        if self._path is None:
            raise SettingsError("GATEWAY_USERS_FILE: is needed")
        ordered = sorted(users, key=lambda user: user.email)
        text = orjson.dumps({"users": [user.as_json() for user in ordered]}, option=orjson.OPT_INDENT_2)
        write_whole(self._path, text.decode() + "\n", mode=PRIVATE)
        self._read()

    def _read(self) -> None:
        if self._path is None:
            return
        try:
            stat = self._path.stat()
            if self._seen != (stat.st_mtime_ns, stat.st_ino):
                self._users = tuple(_user(item) for item in orjson.loads(self._path.read_text())["users"])
                self._seen = (stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            self._users, self._seen = (), None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"GATEWAY_USERS_FILE: cannot be used: {error}") from error


def normal(email: str) -> str:
    """An email address as it is compared."""
    return email.strip().lower()


def _user(item: dict[str, Any]) -> User:
    # A role of our own processes is never given to a person, whatever the file says.
    roles = frozenset(str(role) for role in item["roles"]) - INTERNAL_ROLES
    return User(str(item["id"]), normal(item["email"]), roles, str(item["passwordHash"]))

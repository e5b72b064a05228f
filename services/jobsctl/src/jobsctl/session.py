"""The token that is sent: one from a file, or the session that `jobsctl login` opened."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from jobsctl.config import config_folder
from jobsctl.refusals import Exit, Refused

RENEW_SECONDS = 300
"""A session's token is renewed when it is good for less than this."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What a login left behind, readable by its owner only."""

    url: str
    token: str

    @property
    def seconds_left(self) -> float:
        """How long the token is good; negative when it no longer is."""
        return expiry(self.token) - time.time()


def session_file() -> Path:
    """Where it is kept."""
    return config_folder() / "session.json"


def read_session() -> StoredSession | None:
    """The session, if there is one that can be read."""
    try:
        found = json.loads(session_file().read_text())
        return StoredSession(str(found["url"]), str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_session(session: StoredSession) -> None:
    """Keep it, whole or not at all, never readable by others."""
    path = session_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".session.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"url": session.url, "token": session.token}, file)
    scratch.replace(path)


def forget_session() -> bool:
    """Whether there was one."""
    with contextlib.suppress(FileNotFoundError):
        session_file().unlink()
        return True
    return False


def read_token_file(path: str) -> str:
    """The token in a file. Raises UsageError."""
    try:
        token = Path(path).read_text().strip()
    except OSError as error:
        raise click.UsageError(f"the token file {path} cannot be read: {error.strerror}") from error
    if not token:
        raise click.UsageError(f"the token file {path} is empty")
    return token


def no_token() -> Refused:
    """Nobody logged in, and no token was named."""
    return Refused("UNAUTHENTICATED", "log in with `jobsctl login`, or name a --token-file", exit_code=Exit.NOT_ALLOWED)


def expiry(token: str) -> float:
    """Until when a token is good, in seconds since the epoch; 0 when that cannot be read. It is not verified here."""
    try:
        part = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return 0

"""A password that can be exchanged while everything runs: it stands in a file, which each new connection reads."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode

import redis
from redis.credentials import CredentialProvider


class PasswordFile(CredentialProvider):
    """The user (empty: the default one) and the file with its password."""

    def __init__(self, user: str, path: str) -> None:
        self._user, self._path = user, Path(path)

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Read now. Raises redis.ConnectionError: the file may be there the next time."""
        try:
            password = self._path.read_text().strip()
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", "it is no text")
            raise redis.ConnectionError(f"password_file {self._path} cannot be read: {problem}") from error
        return (self._user, password) if self._user else (password,)


def split_credentials(url: str) -> tuple[str, PasswordFile | None]:
    """A REDIS_URL without `?password_file=…` and its user, and what they say; nothing is split off one without it.

    Raises ValueError when it names a password too.
    """
    place, _, query = url.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    files = [value for name, value in options if name == "password_file"]
    if not files:
        return url, None
    scheme, _, rest = place.partition("://")
    user, _, servers = rest.rpartition("@")
    if ":" in user:
        raise ValueError("REDIS_URL: it has a password and a password_file: leave one of them out")
    others = urlencode([option for option in options if option[0] != "password_file"])
    return f"{scheme}://{servers}{'?' if others else ''}{others}", PasswordFile(unquote(user), files[-1])

"""From settings to a gateway to call."""

from __future__ import annotations

from pathlib import Path

from jobsctl.config import DEFAULT_URL, read_config
from jobsctl.rest import Gateway
from jobsctl.session import read_session

TIMEOUT_SECONDS = 10.0


def open_gateway(*, url: str | None, token_file: str | None, timeout: float | None, config: Path | None) -> Gateway:
    """What was given, else what the configuration file says, else where somebody logged in. Raises UsageError."""
    found = read_config(config)
    if url is None and "url" not in found and (session := read_session()):
        url = session.url
    return Gateway(
        url or str(found.get("url", DEFAULT_URL)),
        token_file=token_file or found.get("token_file"),
        timeout_seconds=timeout or float(found.get("timeout", TIMEOUT_SECONDS)),
    )

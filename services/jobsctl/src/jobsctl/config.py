"""Where settings come from: an option, then the environment, then the configuration file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import click

DEFAULT_URL = "http://127.0.0.1:4000"
KNOWN = {"url", "token_file", "timeout"}


def config_folder() -> Path:
    """`~/.config/jobsctl`, or where XDG_CONFIG_HOME says."""
    return Path(click.get_app_dir("jobsctl"))


def read_config(path: Path | None) -> dict[str, Any]:
    """The settings in a TOML file: `url`, `token_file` (relative to the file), `timeout` in seconds.

    Without a path, those of the usual file, if there is one. Raises UsageError.
    """
    chosen = path or config_folder() / "config.toml"
    if path is None and not chosen.exists():
        return {}
    try:
        found = tomllib.loads(chosen.read_text())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"the configuration file {chosen} cannot be read: {error}") from error
    if unknown := sorted(set(found) - KNOWN):
        raise click.UsageError(f"{chosen}: {', '.join(unknown)}: no such setting; there are {', '.join(sorted(KNOWN))}")
    if "token_file" in found:
        found["token_file"] = str(chosen.parent / Path(found["token_file"]).expanduser())
    return found


def environment_with(variables: dict[str, str]) -> dict[str, str]:
    """The environment for a command that is started."""
    return {**os.environ, **variables}


def wants_no_color() -> bool:
    """NO_COLOR is set, whatever to (no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))

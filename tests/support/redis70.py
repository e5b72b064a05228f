"""Debian's Redis 7.0: the oldest server that the queue engine works on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support.debian import install

NAMES = ("redis-server", "redis-check-rdb")


def installed(folder: Path) -> Path:
    """The server, linked into `folder`; installs it where that can be done, and skips loudly where not.

    The package redis-tools brings the program without a service that would be started: the server and its checkers are
    one program, which looks at the name it is called by.
    """
    if (found := _find()) is None:
        install("redis-tools")
        found = _find()
    if found is None:
        pytest.skip("REDIS 7.0 IS NOT TESTED: there is none; on Debian 12: apt-get install redis-tools")
    server = folder / "redis-server"
    server.symlink_to(found)
    return server


def _find() -> Path | None:
    candidates = (Path(path) for name in NAMES if (path := shutil.which(name)))
    return next((path for path in candidates if _is_redis70(path)), None)


def _is_redis70(program: Path) -> bool:
    called = ["redis-server", "--version"]  # the name that `program` is called by
    asked = subprocess.run(called, executable=program, check=False, capture_output=True)
    return b" v=7.0." in asked.stdout

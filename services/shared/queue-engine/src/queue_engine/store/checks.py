"""What a store must be like before it gets a job: its version, its settings, the function library."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import redis

from queue_engine.domain.errors import LibraryMismatch, StoreEpochChanged, StoreMisconfigured
from queue_engine.domain.health import StoreHealth
from queue_engine.store.errors import is_missing_function
from queue_engine.store.keys import REGISTRY_META
from queue_engine.store.library import (
    FUNCTION_PREFIX,
    LIBRARY_NAME,
    MAJOR,
    OLDEST_BESIDE,
    is_newer,
    library_source,
    library_version,
)

OLDEST_SERVER = 7
"""Functions came with Redis 7.0; every Valkey has them."""


class Client(Protocol):
    """The little of a connection that the checks use."""

    def info(self, section: str) -> Any:
        """The server's self-description."""

    def fcall(self, function: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Call a function."""

    def function_load(self, code: str, replace: bool | None = False) -> Any:  # noqa: FBT001, FBT002 - redis-py's own
        """Load a library."""


def check_store(client: Client) -> StoreHealth:
    """Probe with a write. Raises StoreMisconfigured, LibraryMismatch and the client's errors."""
    info: dict[str, Any] = client.info("everything")
    check_settings(info)
    load_library(client)
    started = time.monotonic()
    word, found = client.fcall(FUNCTION_PREFIX + "check_in", 1, REGISTRY_META, MAJOR, OLDEST_BESIDE)
    latency_ms = (time.monotonic() - started) * 1000
    if word == b"TOO_OLD":
        raise LibraryMismatch(f"this service speaks version {MAJOR} of the queue's functions, the store needs {found}")
    return _health(info, found.decode(), latency_ms)


def check_epoch(client: Client, remembered: str) -> str:
    """The store's epoch. Raises StoreEpochChanged while a loss of its jobs is not accepted, and the client's errors."""
    word, epoch = client.fcall(FUNCTION_PREFIX + "check_epoch", 1, REGISTRY_META, uuid.uuid4().hex, remembered)
    if word == b"LOST":
        raise StoreEpochChanged(
            "the store was emptied or exchanged and its jobs are gone: restore it or accept the loss"
        )
    return str(epoch.decode())


def check_settings(info: Mapping[str, Any]) -> None:
    """Raise StoreMisconfigured for a server that is too old or would throw jobs away."""
    version = str(info.get("redis_version", "0"))
    if int(version.split(".", maxsplit=1)[0]) < OLDEST_SERVER:
        raise StoreMisconfigured(f"the store speaks version {version}; functions need Redis 7.0 or Valkey")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise StoreMisconfigured(
            f"the store's maxmemory-policy is {policy}, which throws jobs away; set it to noeviction "
            "(CONFIG SET maxmemory-policy noeviction, and in the server's configuration)"
        )


def load_library(client: Client) -> None:
    """Load the library when it is absent or older; a newer one of our major version stays."""
    try:
        stored = client.fcall(FUNCTION_PREFIX + "version", 0).decode()
    except redis.ResponseError as error:
        if not is_missing_function(error):
            raise
    else:
        if not is_newer(library_version(), stored):
            return
    try:
        client.function_load(library_source(), replace=True)
    except redis.OutOfMemoryError:
        raise
    except redis.ResponseError as error:
        raise LibraryMismatch(f"the store refused the function library {LIBRARY_NAME}: {error}") from error


def _health(info: Mapping[str, Any], library: str, latency_ms: float) -> StoreHealth:
    persistence = (info.get("aof_last_write_status", "ok"), info.get("rdb_last_bgsave_status", "ok"))
    return StoreHealth(
        latency_ms=latency_ms,
        server=str(info.get("server_name", "redis")),
        version=str(info.get("valkey_version", info.get("redis_version", ""))),
        library_version=library,
        used_memory_bytes=int(info.get("used_memory", 0)),
        max_memory_bytes=int(info.get("maxmemory", 0)),
        persistence_ok=persistence == ("ok", "ok"),
    )

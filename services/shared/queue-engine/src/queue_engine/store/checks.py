"""What a store must be like before it gets a job: its version, its settings, the function library."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from queue_engine.domain.errors import LibraryMismatch, StoreEpochChanged, StoreMisconfigured, StoreUnavailable
from queue_engine.domain.health import StoreHealth
from queue_engine.store.connection import StoreClient
from queue_engine.store.errors import is_missing_function, translated
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


def check_store(client: StoreClient) -> StoreHealth:
    """Look at every server and probe with a write; one of a cluster that is away stops nothing but its own queues.

    Raises StoreMisconfigured, LibraryMismatch and the client's errors.
    """
    servers = client.primaries()
    found: list[dict[str, Any]] = []
    for server in servers:
        try:
            found.append(_check_server(server))
        except redis.RedisError as error:
            if len(servers) == 1 or not isinstance(translated(error), StoreUnavailable):
                raise
    started = time.monotonic()
    word, version = client.fcall(FUNCTION_PREFIX + "check_in", 1, REGISTRY_META, MAJOR, OLDEST_BESIDE)
    latency_ms = (time.monotonic() - started) * 1000
    if word == b"TOO_OLD":
        raise LibraryMismatch(
            f"this service speaks version {MAJOR} of the queue's functions, the store needs {version}"
        )
    return _health(found, version.decode(), latency_ms, away=len(servers) - len(found))


def _check_server(server: redis.Redis) -> dict[str, Any]:
    info: dict[str, Any] = server.info("everything")
    check_settings(info)
    load_library(server)
    return info


def check_epoch(client: StoreClient, remembered: str) -> str:
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


def load_library(client: redis.Redis) -> None:
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


def _health(found: Sequence[Mapping[str, Any]], library: str, latency_ms: float, *, away: int) -> StoreHealth:
    fullest = max(found, key=lambda info: info.get("used_memory", 0) / (info.get("maxmemory", 0) or math.inf))
    return StoreHealth(
        latency_ms=latency_ms,
        server=str(fullest.get("server_name", "redis")),
        version=str(fullest.get("valkey_version", fullest.get("redis_version", ""))),
        library_version=library,
        used_memory_bytes=int(fullest.get("used_memory", 0)),
        max_memory_bytes=int(fullest.get("maxmemory", 0)),
        persistence_ok=all(
            info.get(status, "ok") == "ok"
            for info in found
            for status in ("aof_last_write_status", "rdb_last_bgsave_status")
        ),
        servers_away=away,
    )

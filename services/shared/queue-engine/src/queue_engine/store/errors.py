"""The store's errors in our words."""

from __future__ import annotations

import redis

from queue_engine.domain.errors import StoreFull, StoreUnavailable

_UNAVAILABLE_WORDS = {
    "LOADING", "BUSY", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "UNKILLABLE",
}  # fmt: skip


def translated(error: redis.RedisError) -> Exception:
    """StoreFull or StoreUnavailable; a mistake of ours stays what it is."""
    text = str(error)
    if isinstance(error, redis.OutOfMemoryError) or text.startswith("OOM"):
        return StoreFull("the store's memory limit is reached")
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return StoreUnavailable(f"the store cannot be reached: {text}")
    if isinstance(error, redis.ReadOnlyError) or text.split(" ", maxsplit=1)[0] in _UNAVAILABLE_WORDS:
        return StoreUnavailable(f"the store cannot take the call: {text}")
    return error


def is_missing_function(error: redis.RedisError) -> bool:
    """The library is not there (any more): nothing was executed."""
    return "Function not found" in str(error)

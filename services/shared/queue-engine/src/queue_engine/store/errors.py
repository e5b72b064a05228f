"""The store's errors in our words."""

from __future__ import annotations

import redis
from redis import exceptions

from queue_engine.domain.errors import StoreFull, StoreMisconfigured, StoreUnavailable

_UNAVAILABLE_WORDS = {"BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED", "UNKILLABLE"}
_UNAVAILABLE_ERRORS = (
    redis.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.AskError,
    exceptions.TryAgainError,
    exceptions.MasterDownError,
)


def translated(error: redis.RedisError) -> Exception:
    """StoreFull or StoreUnavailable; a mistake of ours stays what it is."""
    text = str(error)
    if isinstance(error, redis.OutOfMemoryError) or text.startswith("OOM"):
        return StoreFull("the store's memory limit is reached")
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return StoreUnavailable(f"the store cannot be reached: {text}")
    if isinstance(error, exceptions.MovedError):
        return StoreMisconfigured("the store is a node of a cluster: let REDIS_URL begin with redis+cluster://")
    if "cluster support disabled" in text:
        return StoreMisconfigured("the store is no cluster: let REDIS_URL begin with redis://")
    if isinstance(error, _UNAVAILABLE_ERRORS) or text.split(" ", maxsplit=1)[0] in _UNAVAILABLE_WORDS:
        return StoreUnavailable(f"the store cannot take the call: {text}")
    return error


def is_missing_function(error: redis.RedisError) -> bool:
    """The library is not there (any more): nothing was executed."""
    return "Function not found" in str(error)

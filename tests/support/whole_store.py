"""A whole store as it was written, for tests that look for what must not be in it."""

from __future__ import annotations

import redis


def everything(client: redis.Redis) -> bytes:
    """All keys with all that they hold, as it was written."""
    read = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
    }
    keys = sorted(client.scan_iter(count=1_000))
    return b"\n".join(key + repr(read[client.type(key)](key)).encode() for key in keys)  # type: ignore[index,operator]

"""One server of the store."""

from __future__ import annotations

from typing import Any

import redis

from queue_engine.store.library import read_only_functions
from queue_engine.store.ready import ReadyConnections


class OneServer(redis.Redis):
    """One server, a node of a cluster, or the server that Sentinel names."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ready = ReadyConnections(self.connection_pool)
        self.replicas = 0
        """How many replicas confirm a change before a function's reply is returned."""

    def fcall(self, function: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Call a function."""
        replicas = 0 if function in read_only_functions() else self.replicas
        return self._ready.call("FCALL", function, numkeys, *keys_and_args, replicas=replicas)

    def node_of(self, key: str) -> redis.Redis:  # noqa: ARG002 - there is but one
        """Itself."""
        return self

    def primaries(self) -> list[redis.Redis]:
        """Itself."""
        return [self]

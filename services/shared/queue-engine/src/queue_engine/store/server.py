"""One server of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        return self._ready.call("FCALL", function, numkeys, *keys_and_args, replicas=self._confirming(function))

    def fcalls(self, function: str, keys: Sequence[str], calls: Iterable[Sequence[Any]]) -> list[Any]:
        """Call a function several times with the same keys: its replies and errors in order.

        Each call is made and sent while the server works on those before.
        """
        commands = (("FCALL", function, len(keys), *keys, *args) for args in calls)
        return self._ready.calls(commands, replicas=self._confirming(function))

    def _confirming(self, function: str) -> int:
        return 0 if function in read_only_functions() else self.replicas

    def node_of(self, key: str) -> redis.Redis:  # noqa: ARG002 - there is but one
        """Itself."""
        return self

    def primaries(self) -> list[redis.Redis]:
        """Itself."""
        return [self]

"""A Redis or Valkey Cluster: which node has a queue's slot, and the calls, each sent to that node.

redis-py's own cluster client sends again what may have been executed, follows a slot that is being moved, and cannot be
made while the cluster is down. Here nothing is sent twice but what a node refused unexecuted (MOVED).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import redis
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, MovedError

from queue_engine.store.server import OneServer

_MOST_REDIRECTS = 5
_ASK_AGAIN_SECONDS = 0.1
"""Between two looks at who owns what, while calls fail."""

Address = tuple[str, int]
Connect = Callable[[Address], OneServer]


class Topology:
    """Who owns which slot, as the nodes told last. Thread-safe."""

    def __init__(self, seeds: Sequence[Address], connect: Connect) -> None:
        """`connect` makes a client of one node, without opening a connection."""
        self._seeds, self._connect = tuple(seeds), connect
        self._owners: list[Address | None] = []
        self._clients: dict[Address, OneServer] = {}
        self._lock = threading.Lock()
        self._doubted, self._asked_at = True, float("-inf")

    def owner(self, slot: int) -> Address:
        """The primary of a slot. Raises redis.RedisError while nobody can tell or nobody has it."""
        if self._doubted or not self._owners:
            self._ask()
        owner = self._owners[slot]
        if owner is None:
            self._doubted = True
            raise ClusterDownError(f"no node serves slot {slot}")
        return owner

    def primaries(self) -> list[Address]:
        """Every node that owns slots."""
        if self._doubted or not self._owners:
            self._ask()
        return [address for address in dict.fromkeys(self._owners) if address is not None]

    def doubt(self) -> None:
        """A call failed in a way that may mean that things have moved: ask before the next."""
        self._doubted = True

    def learn(self, moved: MovedError, answered: Address) -> None:
        """A node says where a slot is now; an empty host is its own."""
        self._owners[moved.slot_id] = (moved.host or answered[0], int(moved.port))
        self._doubted = True

    def close(self) -> None:
        """Close all connections."""
        for client in list(self._clients.values()):
            client.close()

    def _ask(self) -> None:
        """Ask the nodes in any order: one that is cut off from the others may answer, and be wrong, each time."""
        if not self._lock.acquire(blocking=not self._owners):
            return  # another thread is asking: until it knows, what was true is the best guess
        try:
            if self._owners and time.monotonic() - self._asked_at < _ASK_AGAIN_SECONDS:
                return
            known = list(dict.fromkeys([*self._clients, *(a for a in set(self._owners) if a), *self._seeds]))
            self._doubted = False  # whoever doubts from here on, doubts what is read below
            self._owners = self._first_answer(random.sample(known, len(known)))
            self._asked_at = time.monotonic()
        except BaseException:
            self._doubted = True
            raise
        finally:
            self._lock.release()

    def _first_answer(self, addresses: Sequence[Address]) -> list[Address | None]:
        problem: Exception | None = None
        for address in addresses:
            client = self._clients.setdefault(address, self._connect(address))
            try:
                found = client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
            except (redis.ConnectionError, redis.TimeoutError, ClusterDownError) as error:
                problem = error
                continue
            return _owners(found, address)
        raise redis.ConnectionError(f"no node of the cluster answers, the last one: {problem}")


class ClusterClient:
    """What the store uses of redis.Redis, on a cluster. Thread-safe; connections are pooled by node."""

    def __init__(self, topology: Topology, connect: Connect) -> None:
        self._topology, self._connect = topology, connect
        self._clients: dict[Address, OneServer] = {}

    def fcall(self, function: str, numkeys: int, key: str, *args: Any) -> Any:
        """Call a function of the queue that `key` belongs to.

        A second key that never exists goes along. While a slot is moved key by key, the server refuses a call of which
        only some keys are there before it begins (TRYAGAIN); without, a function would stop, or see half a queue, where
        it first meets a key that was moved.
        """
        slot, guard = _place(key)
        return self._ask(slot, lambda node: node.fcall(function, numkeys + 1, key, guard, *args))

    def fcalls(self, function: str, keys: Sequence[str], calls: Iterable[Sequence[Any]]) -> list[Any]:
        """As a server's: the node that has the first key answers, with errors where the key has moved meanwhile."""
        slot, guard = _place(keys[0])
        replies: list[Any] = self._ask(slot, lambda node: node.fcalls(function, (*keys, guard), calls))
        return replies

    def bzpopmin(self, key: str, timeout: float) -> Any:
        """Wait for a member of one sorted set."""
        return self._ask(_place(key)[0], lambda node: node.bzpopmin(key, timeout))

    def node_of(self, key: str) -> redis.Redis:
        """The client of the node that has the key."""
        return self._client(self._topology.owner(_place(key)[0]))

    def primaries(self) -> list[redis.Redis]:
        """A client of each node that owns slots."""
        return [self._client(address) for address in self._topology.primaries()]

    def close(self) -> None:
        """Close all connections."""
        self._topology.close()
        for client in list(self._clients.values()):
            client.close()

    def _ask(self, slot: int, question: Callable[[OneServer], Any]) -> Any:
        for _ in range(_MOST_REDIRECTS):
            address = self._topology.owner(slot)
            try:
                return question(self._client(address))
            except MovedError as error:  # refused unexecuted, so it may be sent again
                self._topology.learn(error, address)
            except (redis.ConnectionError, redis.TimeoutError, ClusterDownError):
                self._topology.doubt()
                raise
        self._topology.doubt()
        raise ClusterDownError(f"the nodes send each other the calls for slot {slot}")

    def _client(self, address: Address) -> OneServer:
        return self._clients.get(address) or self._clients.setdefault(address, self._connect(address))


@lru_cache(maxsize=4096)
def _place(key: str) -> tuple[int, str]:
    """The slot of a queue's key, and a key in it that never exists."""
    return key_slot(key.encode()), f"{key[: key.index('}')]}}}:never"


def _owners(slots: Sequence[Sequence[Any]], answered: Address) -> list[Address | None]:
    """CLUSTER SLOTS as an address per slot."""
    owners: list[Address | None] = [None] * 16_384
    for first, last, (host, port, *_), *_replicas in slots:
        name = (host or b"").decode() if not isinstance(host, str) else host
        owners[first : last + 1] = [(name if name not in {"", "?"} else answered[0], port)] * (last - first + 1)
    return owners

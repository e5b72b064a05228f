"""The store's client, by what REDIS_URL names: chosen once, so that a call to one server goes through nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from queue_engine.store.address import StoreAddress, read_address
from queue_engine.store.cluster import Address, ClusterClient, Topology
from queue_engine.store.credentials import PasswordFile, split_credentials
from queue_engine.store.server import OneServer


class StoreClient(Protocol):
    """What is used of a client, whatever the store is."""

    def fcall(self, function: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Call a function of a queue or the registry."""

    def fcalls(self, function: str, keys: Sequence[str], calls: Iterable[Sequence[Any]]) -> list[Any]:
        """Call a function of a queue several times, on one connection: replies and errors of the server in order."""

    def bzpopmin(self, key: str, timeout: float) -> Any:
        """Wait for a member of a sorted set."""

    def node_of(self, key: str) -> redis.Redis:
        """The server that has a key."""

    def primaries(self) -> list[redis.Redis]:
        """All servers that take calls."""

    def close(self) -> None:
        """Close all connections."""


def connect(url: str, *, connect_seconds: float, reply_seconds: tuple[float, float]) -> tuple[StoreClient, StoreClient]:
    """Two clients, for calls and for blocking ones, by the two times a reply may take. Opens no connection.

    Raises ValueError for a URL that cannot be read.
    """
    url, credentials = split_credentials(url)
    address = read_address(url)
    options = [_options(connect_seconds, seconds, credentials) for seconds in reply_seconds]
    if address.kind == "cluster":
        connects = [partial(_node, address, own) for own in options]
        topology = Topology(address.nodes, connects[0])
        return ClusterClient(topology, connects[0]), ClusterClient(topology, connects[1])
    if address.kind == "sentinel":
        timeouts = _options(connect_seconds, connect_seconds, None)
        return _watched(address, options[0], timeouts), _watched(address, options[1], timeouts)
    return _single(address, options[0]), _single(address, options[1])


def _single(address: StoreAddress, options: Mapping[str, Any]) -> OneServer:
    client: OneServer = OneServer.from_url(address.url, **options)  # type: ignore[assignment]
    return client


def _node(address: StoreAddress, options: Mapping[str, Any], node: Address) -> OneServer:
    client: OneServer = OneServer.from_url(address.node_url(*node), **options)  # type: ignore[assignment]
    client.replicas = address.replicas
    return client


def _watched(address: StoreAddress, options: Mapping[str, Any], timeouts: Mapping[str, Any]) -> OneServer:
    of_servers: dict[str, Any] = dict(parse_url(address.node_url(*address.nodes[0])))
    del of_servers["host"], of_servers["port"]  # Sentinel tells them
    if of_servers.pop("connection_class", None) is SSLConnection:
        of_servers["ssl"] = True
    shared = {name: value for name, value in of_servers.items() if name.startswith("ssl")}
    sentinel = Sentinel(address.nodes, sentinel_kwargs={**shared, **timeouts, **dict(address.sentinel_options)})
    client: OneServer = sentinel.master_for(address.service, redis_class=OneServer, **{**of_servers, **options})
    client.replicas = address.replicas
    return client


def _options(connect_seconds: float, reply_seconds: float, credentials: PasswordFile | None) -> dict[str, Any]:
    return {
        **({"credential_provider": credentials} if credentials else {}),
        "protocol": 2,
        # redis-py would resend after a lost reply, which leases a second batch: what is resent is decided by the store.
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": connect_seconds,
        "socket_timeout": reply_seconds,
        "socket_keepalive": True,
    }

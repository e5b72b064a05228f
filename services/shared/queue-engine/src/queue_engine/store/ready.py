"""Connections kept ready for calls: the path that every change of a job goes, so it holds nothing that is not needed.

redis-py's own looks at a connection before each command in Python, counts, locks, measures and prepares to repeat, and
costs more than twice what sending and reading takes. It still opens the connections, and again those that broke.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from typing import Any

import hiredis
import redis

_CONFIRM_MS = 1_000


class ReadyConnections:
    """Connections of one pool, each with one call at a time. Thread-safe."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._ready: list[tuple[Any, select.poll]] = []
        self._process = os.getpid()

    def call(self, *command: Any, replicas: int = 0) -> Any:
        """The reply to a command; nothing is sent twice. Raises redis.RedisError.

        With `replicas`, what it wrote is also on so many of them: a ConnectionError says that this is not known.
        """
        (reply,) = self.calls((command,), replicas=replicas)
        if isinstance(reply, redis.ResponseError):
            raise reply
        return reply

    def calls(self, commands: Iterable[tuple[Any, ...]], *, replicas: int = 0) -> list[Any]:
        """The replies to commands in order, errors that the server answered among them; otherwise as `call`.

        The server works on the first commands while the next are made and sent; no reply is read before all are, so
        that they must be few and their replies small.
        """
        connection, watch = self._take()
        try:
            sent = [connection.send_packed_command((hiredis.pack_command(command),)) for command in commands]
            replies = [_read(connection) for _ in sent]
            if replicas and not isinstance(replies[-1], redis.ResponseError):
                _confirm(connection, replicas)
        except BaseException:
            connection.disconnect()  # or a reply, when it comes, would answer the next call
            self._pool.release(connection)
            raise
        self._ready.append((connection, watch))
        return replies

    def _take(self) -> tuple[Any, select.poll]:
        if self._process != os.getpid():  # forked: these are the parent's sockets
            self._ready, self._process = [], os.getpid()
        while True:
            try:
                ready, watch = self._ready.pop()
            except IndexError:
                break
            if not watch.poll(0):
                return ready, watch
            self._pool.release(ready)  # the server closed it: nothing else is to be read before a call
        connection: Any = self._pool.get_connection()
        watch = select.poll()
        watch.register(connection._sock, select.POLLIN)  # noqa: SLF001 - redis-py tells it in no other way
        return connection, watch


def _read(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def _confirm(connection: Any, replicas: int) -> None:
    """Wait until replicas have what this very connection wrote; the server answers for no other."""
    connection.send_command("WAIT", replicas, _CONFIRM_MS)
    if (confirmed := connection.read_response()) < replicas:
        raise redis.ConnectionError(f"{confirmed} of {replicas} replicas confirmed the change within {_CONFIRM_MS} ms")

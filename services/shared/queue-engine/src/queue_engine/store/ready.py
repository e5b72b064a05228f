"""Connections kept ready for calls: the path that every change of a job goes, so it holds nothing that is not needed.

redis-py's own looks at a connection before each command in Python, counts, locks, measures and prepares to repeat, and
costs more than twice what sending and reading takes. It still opens the connections, and again those that broke.
"""

from __future__ import annotations

import os
import select
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
        connection, watch = self._take()
        try:
            connection.send_packed_command((hiredis.pack_command(command),))
            reply = connection.read_response()
            if replicas:
                _confirm(connection, replicas)
        except redis.ResponseError:
            self._pool.release(connection)
            raise
        except BaseException:
            connection.disconnect()  # or the reply, when it comes, would answer the next call
            self._pool.release(connection)
            raise
        self._ready.append((connection, watch))
        return reply

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


def _confirm(connection: Any, replicas: int) -> None:
    """Wait until replicas have what this very connection wrote; the server answers for no other."""
    connection.send_command("WAIT", replicas, _CONFIRM_MS)
    if (confirmed := connection.read_response()) < replicas:
        raise redis.ConnectionError(f"{confirmed} of {replicas} replicas confirmed the change within {_CONFIRM_MS} ms")

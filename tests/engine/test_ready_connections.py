"""The connections that calls go over: reused, looked at before each call, never shared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from fixtures.valkey import ValkeyServer
from queue_engine.store.ready import ReadyConnections


@pytest.fixture
def pool(valkey_server: ValkeyServer) -> Iterator[redis.ConnectionPool]:
    connections = redis.ConnectionPool.from_url(valkey_server.url, protocol=2, socket_timeout=5)
    yield connections
    connections.disconnect()


@pytest.fixture
def ready(pool: redis.ConnectionPool) -> ReadyConnections:
    return ReadyConnections(pool)


def test_calls_in_a_row_use_one_connection(ready: ReadyConnections) -> None:
    assert len({ready.call("CLIENT", "ID") for _ in range(20)}) == 1


def test_an_error_of_the_server_leaves_the_connection_usable(ready: ReadyConnections) -> None:
    first = ready.call("CLIENT", "ID")
    with pytest.raises(redis.ResponseError, match="unknown command"):
        ready.call("NOSUCHCOMMAND")
    assert ready.call("CLIENT", "ID") == first


def test_several_calls_are_answered_in_order_with_the_errors_among_them(ready: ReadyConnections) -> None:
    first = ready.call("CLIENT", "ID")
    one, error, two = ready.calls([("ECHO", "1"), ("NOSUCHCOMMAND",), ("ECHO", "2")])
    assert (one, two) == (b"1", b"2")
    assert isinstance(error, redis.ResponseError)
    assert ready.call("CLIENT", "ID") == first


def test_several_calls_of_which_one_cannot_be_made_leave_no_reply_to_the_next(ready: ReadyConnections) -> None:
    with pytest.raises(ZeroDivisionError):
        ready.calls(("ECHO", str(1 // number)) for number in (1, 0))
    assert ready.call("ECHO", "mine") == b"mine"


def test_threads_get_the_replies_to_their_own_calls(ready: ReadyConnections) -> None:
    def echo(number: int) -> bool:
        return all(ready.call("ECHO", f"{number}-{i}") == f"{number}-{i}".encode() for i in range(100))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(echo, range(32)))


def test_a_call_does_not_meet_connections_that_a_restart_has_closed(
    ready: ReadyConnections, valkey_server: ValkeyServer
) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: ready.call("BLPOP", "nothing", 0.1), range(4)))
    valkey_server.stop()
    valkey_server.start()
    assert ready.call("PING") == b"PONG"


def test_a_connection_that_broke_is_not_used_again(ready: ReadyConnections, valkey_server: ValkeyServer) -> None:
    ready.call("PING")
    valkey_server.kill()
    with pytest.raises(redis.ConnectionError):
        ready.call("PING")
    valkey_server.start()
    assert ready.call("PING") == b"PONG"


def test_a_call_without_an_answer_ends_in_time_and_its_late_reply_goes_to_nobody(valkey_server: ValkeyServer) -> None:
    pool = redis.ConnectionPool.from_url(valkey_server.url, protocol=2, socket_timeout=0.3)
    ready = ReadyConnections(pool)
    with pytest.raises(redis.TimeoutError):
        ready.call("BLPOP", "nothing", 1)
    assert ready.call("ECHO", "mine") == b"mine"
    pool.disconnect()


def test_a_forked_child_opens_connections_of_its_own(ready: ReadyConnections) -> None:
    parent = ready.call("CLIENT", "ID")
    read, write = os.pipe()
    if not (child := os.fork()):
        os.write(write, str(ready.call("CLIENT", "ID")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(read, 20)) != parent
    assert ready.call("CLIENT", "ID") == parent

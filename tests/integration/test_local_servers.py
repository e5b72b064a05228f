from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import redis

from fixtures.postgres import PostgresServer, a_postgres
from fixtures.valkey import ValkeyServer


def test_valkey_keeps_its_data_over_a_crash_of_the_server(valkey_server: ValkeyServer) -> None:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.set("kept", "yes")

    valkey_server.kill()
    valkey_server.start()

    with redis.Redis.from_url(valkey_server.url, decode_responses=True) as client:
        assert client.get("kept") == "yes"


def test_valkey_asks_for_a_password_and_never_evicts(valkey_server: ValkeyServer) -> None:
    without_password = valkey_server.url.replace(":for-tests-only@", "")
    with redis.Redis.from_url(without_password) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()

    with redis.Redis.from_url(valkey_server.url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_postgres_keeps_its_data_over_stop_and_start(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    postgres_server.stop()
    postgres_server.start()

    with psycopg.connect(postgres_server.url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_postgres_refuses_a_wrong_password(postgres_server: PostgresServer) -> None:
    wrong = postgres_server.url.replace("for-tests-only", "wrong")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_postgres_starts_below_a_folder_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o700)
    server = a_postgres(locked / "state")

    server.start()

    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()

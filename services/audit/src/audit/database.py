"""The connection to PostgreSQL: bounded waits, a schema made when the server is first seen, and whether it answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from psycopg.rows import namedtuple_row
from psycopg_pool import ConnectionPool, PoolTimeout

from audit import sql
from audit.migrate import applied, migrate

log = structlog.get_logger()
WAIT_SECONDS = 1.5  # with the lock's wait below the five seconds that our clients give a call
CONNECT_SECONDS = 2  # libpq knows none shorter
SESSION = (
    "-c statement_timeout=3000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=60000"
    # Who ships a record forgets it once we answer: the answer has to wait for the disk, however the server is set.
    " -c synchronous_commit=on"
)

# A standby that did not take over yet is as good as none.
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)


class DatabaseAway(Exception):
    """PostgreSQL does not answer, or its schema is not there yet; the text says which."""


class Database:
    """A pool of connections that comes and goes with the server; `probe` has to be called about once a second."""

    def __init__(self, url: str, *, connections: int, may_migrate: bool) -> None:
        """Connects to nothing yet."""
        # The pool would log every failed attempt of an outage; `probe` says it once.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        self._may_migrate = may_migrate
        self._problem: str | None = "not asked yet"
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=connections + 2,  # for the probe and the verifier
            open=False,
            timeout=WAIT_SECONDS,
            reconnect_timeout=0.1,  # no growing pauses: the next probe tries again
            check=ConnectionPool.check_connection,
            kwargs={
                "connect_timeout": CONNECT_SECONDS,
                "options": SESSION,
                "application_name": "audit",
                "row_factory": namedtuple_row,
                "prepare_threshold": None,  # a plan made for any filter would use no index
                "keepalives_idle": 10,
                "tcp_user_timeout": 5_000,
            },
        )

    @property
    def problem(self) -> str | None:
        """What is wrong with the database, in words; None when it is well."""
        return self._problem

    def open(self) -> None:
        """Start connecting; the server does not have to be there. Nothing is served before a `probe` that succeeds."""
        self._pool.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection in a transaction; raises DatabaseAway at once while the last probe found the server away."""
        if self._problem is not None:
            raise DatabaseAway(self._problem)
        with self._connection() as connection:
            yield connection

    def probe(self) -> int | None:
        """Ask the server, make the schema if that is to be done; returns the chain's length, None while it is away."""
        try:
            with self._connection() as connection:
                if self._problem is not None:
                    self._prepare(connection)
                row = connection.execute(sql.query("probe")).fetchone()
        except (DatabaseAway, psycopg.Error) as error:
            self._note(str(error).strip().partition("\n")[0])
            return None
        self._note(None)
        return int(row.length) if row else 0

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise DatabaseAway("PostgreSQL does not answer") from error
        except psycopg.errors.QueryCanceled:
            raise
        except AWAY as error:
            raise DatabaseAway(f"PostgreSQL: {type(error).__name__}") from error

    def _prepare(self, connection: psycopg.Connection[Any]) -> None:
        if self._may_migrate:
            migrate(connection)
            return
        try:
            missing = {version for version, _name, _text in sql.migrations()} - applied(connection)
        except psycopg.errors.UndefinedTable:
            missing = {1}
        if missing:
            raise DatabaseAway("its schema is not up to date: run `python -m audit migrate`")

    def _note(self, problem: str | None) -> None:
        if problem is None and self._problem is not None:
            log.info("database_ready")
        elif problem is not None and problem != self._problem:
            log.warning("database_away", problem=problem)
        self._problem = problem

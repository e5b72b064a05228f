"""SQL migrations, each once, in order, by one process at a time."""

from __future__ import annotations

from typing import Any

import psycopg
import structlog

from audit import sql

log = structlog.get_logger()


def migrate(connection: psycopg.Connection[Any]) -> int:
    """Apply what is missing, all or nothing; returns how many. Safe from several processes at once and repeatedly."""
    with connection.transaction():
        connection.execute(sql.query("lock_migrations"))
        connection.execute(sql.query("create_migrations"))
        missing = [migration for migration in sql.migrations() if migration[0] not in applied(connection)]
        for version, name, text in missing:
            connection.execute(text)
            connection.execute(sql.query("record_migration"), {"version": version, "name": name})
    for _version, name, _text in missing:
        log.info("migration_applied", migration=name)
    return len(missing)


def applied(connection: psycopg.Connection[Any]) -> set[int]:
    """Versions on record; raises psycopg.errors.UndefinedTable before the first migration."""
    with connection.cursor(row_factory=psycopg.rows.scalar_row) as cursor:
        return set(cursor.execute(sql.query("list_migrations")))

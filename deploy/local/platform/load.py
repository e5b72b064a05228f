"""Puts the platform's small schema and demo data into the local database."""

from __future__ import annotations

from pathlib import Path

import psycopg

FOLDER = Path(__file__).parent
LOCK = 7_140_031  # any number that nobody else in this database locks


def load(database_url: str) -> bool:
    """Make schema `platform` with its demo data unless it is there; True when this call made it.

    All or nothing, and safe to call from several processes at once.
    """
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        found = connection.execute("SELECT to_regnamespace('platform')").fetchone()
        if found != (None,):
            return False
        for name in ("schema.sql", "demo_data.sql"):
            connection.execute((FOLDER / name).read_bytes())
    return True

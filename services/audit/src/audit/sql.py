"""The SQL of this service: one operation a file, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import LiteralString

MIGRATIONS = files("audit") / "migrations"


@cache
def query(name: str) -> LiteralString:
    """The text of queries/<name>.sql; it is ours, never built from input."""
    return (files("audit") / "queries" / f"{name}.sql").read_text()


def migrations() -> list[tuple[int, str, LiteralString]]:
    """Version, name and text of each migration, in order; a file's name begins with its version."""
    found = (path for path in MIGRATIONS.iterdir() if path.name.endswith(".sql"))
    return [
        (int(path.name.partition("_")[0]), path.name, path.read_text())
        for path in sorted(found, key=lambda path: path.name)
    ]

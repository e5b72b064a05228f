"""What is printed: tables for people, JSON for programs. What others wrote never commands the terminal."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

Row = dict[str, Any]
Column = tuple[str, Callable[[Row], object]]
GAP = "  "
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_COLORS = {
    "failed": "red",
    "dead": "red",
    "active": "cyan",
    "completed": "green",
    "delayed": "yellow",
    "paused": "yellow",
}


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that every command has."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON as REST gives it.")(command)


def plain(value: object) -> str:
    """Text for a terminal: one line, no control characters, nothing that turns the direction of writing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _CONTROLS.sub(lambda found: " " if found[0] in "\n\t" else "\N{REPLACEMENT CHARACTER}", str(value))


def time_text(milliseconds: object) -> str:
    """UTC to the second; empty for no time."""
    if not isinstance(milliseconds, int) or not milliseconds:
        return ""
    try:
        return datetime.fromtimestamp(milliseconds / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(milliseconds)


def duration_text(milliseconds: int) -> str:
    """The largest unit that fits: 250 ms, 4.2 s, 12 min, 3.5 h, 2 d."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds >= size:
            return f"{milliseconds / size:.3g} {unit}"
    return f"{milliseconds} ms"


def time_at(name: str) -> Callable[[Row], str]:
    """A column of a time in ms."""
    return lambda row: time_text(row.get(name))


def at(name: str) -> Callable[[Row], object]:
    """A column as it is."""
    return lambda row: row.get(name)


def print_json(document: object, *, lines: bool = False) -> None:
    """Indented; with `lines` on one."""
    text = json.dumps(document, ensure_ascii=False, indent=None if lines else 2)
    click.echo(re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Aligned columns; numbers to the right. On a terminal the last is cut to its width, in a pipe nothing is."""
    cells = [[plain(value(row)) for _, value in columns] for row in rows]
    heads = [name.upper() for name, _ in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    numeric = [all(_is_number(line[n]) for line in cells) and bool(cells) for n in range(len(columns))]
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.secho(_line(heads, widths, numeric, limit), bold=True)
    for line in cells:
        text = _line(line, widths, numeric, limit)
        click.secho(text, fg=next((_COLORS[cell] for cell in line if cell in _COLORS), None))


def print_fields(fields: Sequence[tuple[str, object]]) -> None:
    """One per line; those without a value are left out."""
    shown = [(name, plain(value)) for name, value in fields if value not in (None, "", [])]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{click.style(name.ljust(width), bold=True)}{GAP}{value}")


def note(text: str) -> None:
    """A word to the person, not part of the result."""
    click.echo(plain(text), err=True)


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"-?\d+", cell)) or not cell


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool], limit: int | None) -> str:
    parts = [
        cell.rjust(width) if is_number else cell.ljust(width)
        for cell, width, is_number in zip(cells, widths, numeric, strict=True)
    ]
    return GAP.join(parts).rstrip()[:limit]

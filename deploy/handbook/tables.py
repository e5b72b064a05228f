"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; lines of text in a cell become one."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row([cell(str(value)) for value in row]) for row in rows)]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Text that a cell can hold."""
    return " ".join(text.split()).replace("\\|", "|").replace("|", "\\|")


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(text) for text in cells)} |"

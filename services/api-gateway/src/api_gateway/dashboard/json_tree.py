"""A JSON document as a tree to open step by step. Numbers keep the digits they were written with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MOST_NODES = 150
"""Rendered at once; what lies deeper is fetched when it is opened."""
PART = 100
"""Children of one array or object shown at a time."""
MOST_STRING = 2_000
OPEN_DEPTH = 2


class Digits(str):
    """A number exactly as it was written."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=Digits, parse_float=Digits, parse_constant=Digits)


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `kind`: object, array, string, number or word. `path`: the steps from the root.

    `children` are those rendered here; `rest_from` is the first that is not, None when all are.
    """

    key: str | None
    kind: str
    text: str
    size: int
    path: tuple[str, ...]
    children: tuple[Node, ...]
    rest_from: int | None
    is_open: bool
    cut: bool = False

    @property
    def path_text(self) -> str:
        """The path as an address holds it."""
        return json.dumps(self.path)


class NoSuchPart(LookupError):
    """The document has nothing at that path."""


def read(document: bytes) -> Any:
    """The document with its numbers as Digits; text that is no JSON is a string."""
    text = document.decode("utf-8", "replace")
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return text


def tree(value: Any, path: Sequence[str] = (), start: int = 0) -> Node:
    """The tree below a path, the children of its top from `start` on. Raises NoSuchPart."""
    return _Builder().node(None, part(value, path), tuple(path), depth=0, start=start)


def part(value: Any, path: Iterable[str]) -> Any:
    """What stands at a path."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise NoSuchPart(step)
    return value


def pretty(document: bytes) -> str:
    """The document indented, its numbers untouched."""
    return "".join(_pretty(read(document), ""))


def _pretty(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Digits):
        yield str(value)
    elif isinstance(value, dict | list) and value:
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        yield opening
        for number, (key, item) in enumerate(items):
            yield f"{',' if number else ''}\n{indent}  "
            yield "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
            yield from _pretty(item, indent + "  ")
        yield f"\n{indent}{closing}"
    else:
        yield json.dumps(value, ensure_ascii=False)


class _Builder:
    def __init__(self) -> None:
        self._left = MOST_NODES

    def node(self, key: str | None, value: Any, path: tuple[str, ...], *, depth: int, start: int = 0) -> Node:
        self._left -= 1
        if not isinstance(value, dict | list):
            kind, text = _scalar(value)
            return Node(
                key, kind, text[:MOST_STRING], len(text), path, (), None, is_open=False, cut=len(text) > MOST_STRING
            )
        kind = "object" if isinstance(value, dict) else "array"
        pairs = list(value.items()) if isinstance(value, dict) else [(str(n), item) for n, item in enumerate(value)]
        shown = pairs[start : start + PART] if depth < OPEN_DEPTH else []
        children: list[Node] = []
        for name, item in shown:
            if self._left <= 0:
                break
            children.append(self.node(name, item, (*path, name), depth=depth + 1))
        after = start + len(children)
        rest_from = after if after < len(pairs) else None
        return Node(key, kind, "", len(pairs), path, tuple(children), rest_from, is_open=depth == 0)


def _scalar(value: Any) -> tuple[str, str]:
    if isinstance(value, Digits):
        return "number", str(value)
    if isinstance(value, str):
        return "string", value
    return "word", json.dumps(value)

"""JSON text taken apart one level at a time: each member stays the exact text the caller sent.

Numbers of any size and the order of keys survive, because a document that is passed on is never turned into values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json import JSONDecodeError, JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]  # there, but not in typeshed
from typing import Any, TypeVar

from service_kit.errors import ServiceError

T = TypeVar("T")
MOST_LEVELS = 64  # of a document, the same over gRPC
_MOST_DIGITS = 21  # of an integer we look at; with so many it is out of any range, whatever follows
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_space = re.compile(r"[ \t\n\r]*").match


def members(text: str) -> list[tuple[str, str]]:
    """The members of the one JSON object in `text`, as names and the exact text of their values.

    Raises ServiceError INVALID_REQUEST for text that is no JSON or no object.
    """
    return _whole(text, "{", "}", "object", _member)


def items(text: str) -> list[str]:
    """The items of the one JSON array in `text`, as exact text. Raises ServiceError INVALID_REQUEST like `members`."""
    return _whole(text, "[", "]", "array", _value)


def scalar(text: str) -> Any:
    """The value of JSON text that came from `members` or `items`."""
    return _READ.raw_decode(text)[0]


def is_deeper(text: str, levels: int) -> bool:
    """Whether JSON text nests deeper than `levels`; cheap and without recursion, also for text that is no JSON."""
    if text.count("[") + text.count("{") <= levels:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > levels:
            return True
    return False


def _no_json(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_SKIM = JSONDecoder(parse_int=len, parse_float=len, parse_constant=_no_json)
_READ = JSONDecoder(parse_int=lambda digits: int(digits[:_MOST_DIGITS]), parse_constant=_no_json)


def _whole(text: str, opening: str, closing: str, what: str, read: Callable[[str, int], tuple[T, int]]) -> list[T]:
    try:
        start = _after_space(text, 0)
        if not text.startswith(opening, start):
            _ended(text, _SKIM.raw_decode(text, start)[1])
            raise _refused(f"must be a JSON {what}")
        found, end = _sequence(text, start + 1, closing, read)
        _ended(text, end)
    except JSONDecodeError as error:
        raise _refused(f"is no JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:
        raise _refused(f"is no JSON: {error}") from error
    return found


def _refused(problem: str) -> ServiceError:
    return ServiceError("INVALID_REQUEST", f"the body {problem}")


def _ended(text: str, position: int) -> None:
    if _after_space(text, position) != len(text):
        raise JSONDecodeError("Extra data", text, position)


def _sequence(text: str, position: int, closing: str, read: Callable[[str, int], tuple[T, int]]) -> tuple[list[T], int]:
    """What stands between brackets, and the position after the closing one."""
    found: list[T] = []
    position = _after_space(text, position)
    if text.startswith(closing, position):
        return found, position + 1
    while True:
        one, position = read(text, position)
        found.append(one)
        position = _after_space(text, position)
        if text.startswith(closing, position):
            return found, position + 1
        if not text.startswith(",", position):
            raise JSONDecodeError(f"Expecting ',' or '{closing}'", text, position)
        position = _after_space(text, position + 1)


def _member(text: str, position: int) -> tuple[tuple[str, str], int]:
    if not text.startswith('"', position):
        raise JSONDecodeError("Expecting a name in double quotes", text, position)
    name, position = scanstring(text, position + 1, True)  # noqa: FBT003 - the library's signature
    position = _after_space(text, position)
    if not text.startswith(":", position):
        raise JSONDecodeError("Expecting ':'", text, position)
    value, position = _value(text, _after_space(text, position + 1))
    return (name, value), position


def _value(text: str, position: int) -> tuple[str, int]:
    end = _SKIM.raw_decode(text, position)[1]
    return text[position:end], end


def _after_space(text: str, position: int) -> int:
    match = _space(text, position)
    return match.end() if match else position

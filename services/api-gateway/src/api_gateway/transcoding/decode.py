"""JSON, path and query to messages. Every problem is collected with the path of its field; none is passed over.

- a name the contract does not know, a name given twice, and a value of another type are refused;
- numbers stand without quotes in JSON; `null` is the same as absence, except as a JSON document;
- a JSON document (`data`) goes on as the exact bytes the caller sent, so that its numbers keep all their digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import Message

from api_gateway import json_text
from api_gateway.field_problems import Problems
from api_gateway.transcoding.fields import Field, Kind, by_json_name

_integer = re.compile(r"-?[0-9]{1,20}").fullmatch
_TRUTH = {"true": True, "false": False}


class _Problem(ValueError):
    """What is wrong with a value, in words that follow its name."""


def fill_from_json(message: Message, text: str, *, fields: Mapping[str, Field], problems: Problems) -> None:
    """Fill the message from the text of a JSON object; `fields` by the names they may have in it."""
    _fill(message, json_text.members(text), fields, "", problems)


def fill_from_text(
    message: Message, pairs: Iterable[tuple[str, str]], *, fields: Mapping[str, Field], problems: Problems
) -> None:
    """Fill the message from names and plain text, as path and query give them."""
    seen = set()
    for name, text in pairs:
        field = fields.get(name)
        if field is None:
            problems.add(name, "is no parameter of this call")
        elif name in seen and not field.is_repeated:
            problems.add(name, "is given more than once")
        else:
            seen.add(name)
            _try(message, field, name, problems, lambda f=field, t=text: _from_text(f, t))


def _fill(
    message: Message, members: list[tuple[str, str]], fields: Mapping[str, Field], path: str, problems: Problems
) -> None:
    seen = set()
    for name, text in members:
        field = fields.get(name)
        if field is None:
            problems.add(path + name, "is no field of this request")
        elif name in seen:
            problems.add(path + name, "is given more than once")
        else:
            seen.add(name)
            _set(message, field, text, path + name, problems)


def _set(message: Message, field: Field, text: str, path: str, problems: Problems) -> None:
    if field.kind is Kind.DOCUMENT:
        _try(message, field, path, problems, lambda: _document(text))
    elif text == "null":
        return
    elif field.is_repeated:
        _extend(message, field, text, path, problems)
    elif field.kind is Kind.MESSAGE:
        below = getattr(message, field.name)
        below.SetInParent()
        _fill_below(below, field, text, path, problems)
    else:
        _try(message, field, path, problems, lambda: _from_json(field, json_text.scalar(text)))


def _extend(message: Message, field: Field, text: str, path: str, problems: Problems) -> None:
    if not text.startswith("["):
        problems.add(path, "must be an array")
        return
    found = json_text.items(text)
    if not found and not field.rule.required:
        # The contract cannot tell an empty list from an absent one, and `ids: []` must not come to mean every job.
        problems.add(path, "must not be empty; leave it out if it does not matter")
    for number, item in enumerate(found):
        its_path = f"{path}[{number}]"
        if field.kind is Kind.MESSAGE:
            _fill_below(getattr(message, field.name).add(), field, item, its_path, problems)
        else:
            _try(message, field, its_path, problems, lambda i=item: _from_json(field, json_text.scalar(i)))


def _fill_below(message: Message, field: Field, text: str, path: str, problems: Problems) -> None:
    if text.startswith("{"):
        _fill(message, json_text.members(text), by_json_name(field.the_message), path + ".", problems)
    else:
        problems.add(path, "must be an object")


def _try(message: Message, field: Field, path: str, problems: Problems, read: Any) -> None:
    try:
        value = read()
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    except _Problem as problem:
        problems.add(path, str(problem))
    except UnicodeEncodeError:
        problems.add(path, "holds half of a surrogate pair")


def _document(text: str) -> bytes:
    if json_text.is_deeper(text, json_text.MOST_LEVELS):
        raise _Problem(f"is nested deeper than {json_text.MOST_LEVELS} levels")
    return text.encode("utf-8")


def _from_json(field: Field, value: Any) -> Any:
    if field.kind is Kind.INTEGER:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _Problem("must be an integer")
        return _in_range(field, value)
    if field.kind is Kind.BOOLEAN:
        if not isinstance(value, bool):
            raise _Problem("must be true or false")
        return value
    if field.kind is Kind.WORD:
        return _number_of_word(field, value)
    if not isinstance(value, str):
        raise _Problem("must be a string")
    return value


def _from_text(field: Field, text: str) -> Any:
    if field.kind is Kind.INTEGER:
        if not _integer(text):
            raise _Problem(f"must be an integer{_range_in_words(field)}")
        return _in_range(field, int(text))
    if field.kind is Kind.BOOLEAN:
        if text not in _TRUTH:
            raise _Problem("must be true or false")
        return _TRUTH[text]
    return _number_of_word(field, text) if field.kind is Kind.WORD else text


def _in_range(field: Field, value: int) -> int:
    if not field.low <= value <= field.high:
        raise _Problem(f"must be an integer{_range_in_words(field)}")
    return value


def _range_in_words(field: Field) -> str:
    low = field.rule.min if field.rule.HasField("min") else field.low
    high = field.rule.max if field.rule.HasField("max") else field.high
    return f" from {low} to {high}"


def _number_of_word(field: Field, word: Any) -> int:
    if not isinstance(word, str) or word not in field.words:
        raise _Problem(f"must be one of {', '.join(field.words)}")
    return field.words[word]

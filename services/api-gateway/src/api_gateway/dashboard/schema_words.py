"""A payload's JSON Schema in words, and as the fields of a form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

MOST_FIELDS = 100
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "object": "object",
    "array": "list",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One property. `kind`: text, integer, number, boolean, choice or json."""

    name: str
    kind: str
    required: bool
    words: str
    description: str
    choices: tuple[str, ...]
    long: bool


def words_of_schema(schema: bytes) -> Iterator[SchemaField]:
    """The properties of an object's schema, those that are required first."""
    try:
        document = orjson.loads(schema or b"{}")
        properties = document.get("properties") or {}
        names = sorted(list(properties)[:MOST_FIELDS], key=lambda name: name not in document.get("required", []))
        for name in names:
            yield _field(name, properties[name], document, required=name in document.get("required", []))
    except (ValueError, AttributeError, TypeError):  # a schema that is no object of this form has no fields to offer
        return


def description_of(schema: bytes) -> str:
    """What the payload is, as its author wrote it."""
    try:
        return str(orjson.loads(schema or b"{}").get("description", ""))
    except (ValueError, AttributeError):
        return ""


def _field(name: str, given: Any, document: dict[str, Any], *, required: bool) -> SchemaField:
    schema = _resolved(given, document)
    choices = tuple(str(choice) for choice in schema.get("enum", ()) if isinstance(choice, str))
    kind = _kind(schema, choices)
    return SchemaField(
        name=name,
        kind=kind,
        required=required,
        words=_words(schema),
        description=str(schema.get("description", "")),
        choices=choices,
        long=kind == "json" or int(schema.get("maxLength") or 0) > 500,  # noqa: PLR2004 - more than a line
    )


def _resolved(given: Any, document: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """A schema without references and without the alternative `null`, which absence says too."""
    schema = given if isinstance(given, dict) else {}
    if depth > 8:  # noqa: PLR2004 - deeper than anything sensible: it refers to itself
        return {}
    if "$ref" in schema:
        target = document.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2], {})
        return {**_resolved(target, document, depth + 1), **{k: v for k, v in schema.items() if k != "$ref"}}
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return {**_resolved(options[0], document, depth + 1), **{k: v for k, v in schema.items() if k != "anyOf"}}
    return schema


def _kind(schema: dict[str, Any], choices: tuple[str, ...]) -> str:
    if choices and len(choices) == len(schema["enum"]):
        return "choice"
    return {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}.get(
        str(schema.get("type")), "json"
    )


def _words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"])
    if "const" in schema:
        return f"always {schema['const']}"
    word = TYPES.get(str(schema.get("type")), "anything")
    if schema.get("format"):
        word = {"date-time": "time (ISO 8601)", "date": "date", "email": "e-mail address"}.get(
            schema["format"], f"{word} ({schema['format']})"
        )
    return ", ".join([word, *_bounds(schema)])


def _bounds(schema: dict[str, Any]) -> Iterator[str]:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if low and high:
        yield f"{low} to {high:,} characters"
    elif high:
        yield f"at most {high:,} characters"
    elif low:
        yield f"at least {low} character{'s' if low > 1 else ''}"
    if "minimum" in schema:
        yield f"at least {schema['minimum']:,}"
    if "maximum" in schema:
        yield f"at most {schema['maximum']:,}"

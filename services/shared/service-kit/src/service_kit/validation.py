"""The contract's field rules, checked on any request message: one set of rules for gRPC and REST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from jobqueue.options.v1 import options_pb2
from service_kit.errors import FieldError, ServiceError


@dataclass(frozen=True, slots=True)
class _Field:
    """A field with something to check: a rule, an enum, a message below. Copied from the descriptor, which is slow."""

    name: str
    json_name: str
    has_presence: bool
    is_repeated: bool
    has_rule: bool
    least: int | None
    most: int | None
    most_bytes: int | None
    most_length: int | None
    pattern: re.Pattern[str] | None
    is_required: bool
    enum_numbers: frozenset[int]
    enum_problem: str
    has_message: bool


class _TooLarge(FieldError):
    """A field with more bytes than allowed."""


def validate(request: Message) -> None:
    """Raise ServiceError TOO_LARGE or INVALID_REQUEST that names every field out of range; times are ms."""
    errors = tuple(_problems(request, ""))
    if not errors:
        return
    too_large = [error for error in errors if isinstance(error, _TooLarge)]
    fields = tuple(FieldError(error.field, error.problem) for error in too_large or errors)
    detail = "; ".join(f"{field.field} {field.problem}" for field in fields)
    raise ServiceError("TOO_LARGE" if too_large else "INVALID_REQUEST", detail, fields)


def enum_words(field: FieldDescriptor) -> list[str]:
    """The values of an enum field as REST says them: without the enum's prefix, in lower case, unspecified left out."""
    prefix = enum_prefix(field)
    return [v.name.removeprefix(prefix).lower() for v in _enum(field).values if v.number != 0]


def enum_prefix(field: FieldDescriptor) -> str:
    """`JOB_STATE_` for an enum whose first value is JOB_STATE_UNSPECIFIED."""
    return str(_enum(field).values[0].name).removesuffix("UNSPECIFIED")


def _enum(field: FieldDescriptor) -> EnumDescriptor:
    if field.enum_type is None:
        raise TypeError(f"{field.full_name} is no enum")
    return field.enum_type


@cache
def _checked_fields(descriptor: Descriptor) -> tuple[_Field, ...]:
    fields = (_checked(field) for field in descriptor.fields)
    return tuple(f for f in fields if f.has_rule or f.enum_numbers or f.has_message)


def _checked(field: FieldDescriptor) -> _Field:
    options = field.GetOptions()
    rule = options.Extensions[options_pb2.rule] if options.HasExtension(options_pb2.rule) else None
    # A number without presence is 0 when absent, and 0 may be out of range.
    zero_is_out = rule is not None and not field.has_presence and rule.min > 0
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    enum_values = field.enum_type.values if field.enum_type is not None else ()
    return _Field(
        name=field.name,
        json_name=field.json_name,
        has_presence=field.has_presence,
        is_repeated=field.is_repeated,
        has_rule=rule is not None,
        least=_bound(rule, "min"),
        most=_bound(rule, "max"),
        most_bytes=_bound(rule, "max_bytes"),
        most_length=_bound(rule, "max_length"),
        pattern=re.compile(rule.pattern) if rule is not None and rule.pattern else None,
        is_required=rule is not None and (rule.required or zero_is_out),
        enum_numbers=frozenset(v.number for v in enum_values if v.number),
        enum_problem=f"must be one of {', '.join(enum_words(field))}" if enum_values else "",
        has_message=field.message_type is not None and not is_map,
    )


def _bound(rule: options_pb2.FieldRule | None, name: str) -> int | None:
    return getattr(rule, name) if rule is not None and rule.HasField(name) else None  # type: ignore[arg-type]


def _problems(message: Message, path: str) -> Iterator[FieldError]:
    for field in _checked_fields(message.DESCRIPTOR):
        is_absent = field.has_presence and not message.HasField(field.name)
        value: Any = None if is_absent else getattr(message, field.name)
        is_blank = field.is_required and isinstance(value, str) and not value.strip()
        if is_absent or is_blank or not (value or field.has_presence):
            if field.is_required:
                yield FieldError(path + field.json_name, "is required")
            continue
        name = path + field.json_name
        yield from _own_problems(field, name, value)
        if field.has_message and field.is_repeated:
            for index, item in enumerate(value):
                yield from _problems(item, f"{name}[{index}].")
        elif field.has_message:
            yield from _problems(value, f"{name}.")


def _own_problems(field: _Field, name: str, value: Any) -> Iterator[FieldError]:
    if field.enum_numbers and not field.enum_numbers.issuperset(value if field.is_repeated else (value,)):
        yield FieldError(name, field.enum_problem)
    elif field.has_rule and isinstance(value, bytes):
        if field.most_bytes is not None and len(value) > field.most_bytes:
            yield _TooLarge(name, f"has {len(value)} bytes; {field.most_bytes} are allowed")
    elif field.has_rule:
        problem = _problem(value, field)
        if problem:
            yield FieldError(name, problem)


def _problem(value: Any, field: _Field) -> str | None:
    if isinstance(value, int):
        return _number_problem(value, field.least, field.most)
    if isinstance(value, str) and "\0" in value:
        return "must not hold a NUL"  # PostgreSQL keeps no such text: the action would be done and never audited
    if field.most_length is not None and len(value) > field.most_length:
        what = "characters" if isinstance(value, str) else "items"
        return f"has {len(value)} {what}; {field.most_length} are allowed"
    if field.pattern is not None and isinstance(value, str) and not field.pattern.fullmatch(value):
        return f"must match {field.pattern.pattern}"
    return None


def _number_problem(value: int, low: int | None, high: int | None) -> str | None:
    if (low is None or value >= low) and (high is None or value <= high):
        return None
    if low is not None and high is not None:
        return f"must be from {low} to {high}"
    return f"must be at least {low}" if low is not None else f"must be at most {high}"

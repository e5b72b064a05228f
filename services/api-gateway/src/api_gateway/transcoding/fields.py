"""The fields of a message as JSON sees them, copied from the descriptors once (which are slow to read)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from jobqueue.options.v1 import options_pb2

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


class Kind(Enum):
    """What a field's value is in JSON."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "string"
    WORD = "word"  # an enum
    DOCUMENT = "document"  # bytes that hold JSON
    MESSAGE = "object"


_KINDS = {
    **dict.fromkeys(_INTEGERS, Kind.INTEGER),
    FieldDescriptor.CPPTYPE_BOOL: Kind.BOOLEAN,
    FieldDescriptor.CPPTYPE_STRING: Kind.TEXT,
    FieldDescriptor.CPPTYPE_ENUM: Kind.WORD,
    FieldDescriptor.CPPTYPE_MESSAGE: Kind.MESSAGE,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `low` and `high` are the limits of an integer's type, `words` the values of an enum by their word."""

    name: str
    json_name: str
    full_name: str
    kind: Kind
    is_repeated: bool
    has_presence: bool
    inline: bool
    low: int
    high: int
    words: dict[str, int]
    message: Descriptor | None
    rule: options_pb2.FieldRule

    @property
    def the_message(self) -> Descriptor:
        """The type of a field of kind MESSAGE."""
        if self.message is None:
            raise TypeError(f"{self.full_name} holds no message")
        return self.message


class UnsupportedContract(TypeError):
    """The contract uses something that REST cannot show; found when the gateway starts."""


@cache
def fields_of(message: Descriptor) -> tuple[Field, ...]:
    """All fields of a message, in the order of the contract."""
    return tuple(_field(field) for field in message.fields)


@cache
def by_name(message: Descriptor) -> dict[str, Field]:
    """The same by their names in the contract."""
    return {field.name: field for field in fields_of(message)}


@cache
def by_json_name(message: Descriptor) -> dict[str, Field]:
    """The same by their names in JSON."""
    return {field.json_name: field for field in fields_of(message)}


def words_of(enum: EnumDescriptor) -> dict[str, int]:
    """An enum's numbers by the words REST uses: in lower case, without the prefix; UNSPECIFIED has none."""
    prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
    return {value.name.removeprefix(prefix).lower(): value.number for value in enum.values if value.number}


def _field(field: FieldDescriptor) -> Field:
    options: Any = field.GetOptions().Extensions
    low, high = _INTEGERS.get(field.cpp_type, (0, 0))
    return Field(
        name=field.name,
        json_name=field.json_name,
        full_name=field.full_name,
        kind=_kind(field, is_document=options[options_pb2.raw_json]),
        is_repeated=field.is_repeated,
        has_presence=field.has_presence,
        inline=options[options_pb2.inline],
        low=low,
        high=high,
        words=words_of(field.enum_type) if field.enum_type else {},
        message=field.message_type,
        rule=options[options_pb2.rule],
    )


def _kind(field: FieldDescriptor, *, is_document: bool) -> Kind:
    kind = _KINDS.get(field.cpp_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        kind = Kind.DOCUMENT if is_document and not field.is_repeated else None
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    if kind is None or is_map:
        raise UnsupportedContract(f"{field.full_name}: a fraction, a map, or bytes that are not one JSON document")
    return kind

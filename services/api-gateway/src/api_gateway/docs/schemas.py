"""Message types as JSON Schemas, the way the encoder writes them and the decoder reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import Descriptor

from api_gateway.docs.comments import comments
from api_gateway.transcoding.fields import Field, Kind, fields_of

Schema = dict[str, Any]


class Schemas:
    """The schemas of all messages referred to, by their short names; they become the document's components."""

    def __init__(self) -> None:
        self.by_name: dict[str, Schema] = {}
        self._types: dict[str, str] = {}

    def response(self, message: Descriptor) -> Schema:
        """A reference to a message as answers show it: what has no presence is always there."""
        return self._reference(message, message.name, request=False)

    def request(self, message: Descriptor) -> Schema:
        """A reference to a message within a request's body."""
        return self._reference(message, f"{message.name}Input", request=True)

    def body(self, fields: Iterable[Field]) -> Schema:
        """The body of a request with these fields."""
        return self._object(list(fields), request=True)

    def of_field(self, field: Field, *, request: bool) -> Schema:
        """A field's schema, with its rule and its comment."""
        item = self._value(field, request=request)
        schema: Schema = {"type": "array", "items": item} if field.is_repeated else item
        if field.is_repeated and field.rule.HasField("max_length"):
            schema["maxItems"] = field.rule.max_length
        text = comments().get(field.full_name)
        return {**schema, "description": text} if text else schema

    def _reference(self, message: Descriptor, name: str, *, request: bool) -> Schema:
        if self._types.setdefault(name, message.full_name) != message.full_name:
            raise TypeError(f"{name} names two messages: {self._types[name]} and {message.full_name}")
        if name not in self.by_name:
            self.by_name[name] = {}  # a message that contains itself meets this
            schema = self._object(list(fields_of(message)), request=request)
            text = comments().get(message.full_name)
            self.by_name[name] = {**schema, "description": text} if text else schema
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, fields: list[Field], *, request: bool) -> Schema:
        properties: Schema = {}
        required: list[str] = []
        for field in fields:
            if field.inline:
                merged = self._object(list(fields_of(field.the_message)), request=request)
                properties |= merged["properties"]
            else:
                properties[field.json_name] = self.of_field(field, request=request)
                if _is_required(field, request=request):
                    required.append(field.json_name)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if request:
            schema["additionalProperties"] = False
        return schema

    def _value(self, field: Field, *, request: bool) -> Schema:
        if field.kind is Kind.MESSAGE:
            return self.request(field.the_message) if request else self.response(field.the_message)
        if field.kind is Kind.DOCUMENT:
            return {}
        if field.kind is Kind.WORD:
            return {"type": "string", "enum": list(field.words)}
        if field.kind is Kind.INTEGER:
            return {"type": "integer", **_limits(field)}
        return {"type": field.kind.value, **_text_rule(field)}


def _is_required(field: Field, *, request: bool) -> bool:
    if request:
        return field.rule.required
    return field.is_repeated or (not field.has_presence and field.kind not in (Kind.WORD, Kind.DOCUMENT))


def _limits(field: Field) -> Schema:
    found: Schema = {"format": "int64" if field.high > 2**32 else "int32"}
    if field.rule.HasField("min"):
        found["minimum"] = field.rule.min
    if field.rule.HasField("max"):
        found["maximum"] = field.rule.max
    return found


def _text_rule(field: Field) -> Schema:
    found: Schema = {}
    if field.rule.pattern:
        found["pattern"] = f"^(?:{field.rule.pattern})$"
    if field.rule.HasField("max_length") and not field.is_repeated:
        found["maxLength"] = field.rule.max_length
    if field.rule.required and field.kind is Kind.TEXT:
        found["minLength"] = 1
    return found

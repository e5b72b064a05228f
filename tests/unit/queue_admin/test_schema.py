from __future__ import annotations

import pytest

from queue_admin.schema import MOST_CHARACTERS, MOST_ERRORS, PayloadSchema, SchemaError
from service_kit.errors import GRPC_CODE, ServiceError, to_status


def problems(schema: dict[str, object], payload: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ServiceError) as caught:
        PayloadSchema("a.type", schema).check(payload)
    assert caught.value.reason == "PAYLOAD_INVALID"
    assert caught.value.detail == "the data does not fit the schema of a.type"
    return {error.field: error.problem for error in caught.value.fields}


def test_formats_are_checked() -> None:
    schema: dict[str, object] = {"properties": {"at": {"type": "string", "format": "date-time"}}}

    PayloadSchema("a.type", schema).check({"at": "2026-01-05T10:00:00Z"})

    assert problems(schema, {"at": "tomorrow"}) == {"data.at": 'the value is not a "date-time"'}


def test_definitions_inside_the_schema_are_followed() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/Amount"}}, "$defs": {"Amount": {"type": "integer", "minimum": 1}}}

    assert problems(schema, {"a": 0}) == {"data.a": "the value is less than the minimum of 1"}


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/a.json", "file:///etc/hostname", "other.json"])
def test_references_outside_the_schema_are_refused(reference: str) -> None:
    with pytest.raises(SchemaError):
        PayloadSchema("a.type", {"$ref": reference})


def test_a_hopeless_payload_names_a_bounded_number_of_fields_in_a_bounded_answer() -> None:
    schema = {"additionalProperties": False, "patternProperties": {"^n": {"type": "integer"}}}
    hostile: dict[str, object] = {f"{letter}{'ü' * 5_000}{n}": "x" for letter in "nx" for n in range(500)}

    found = problems(schema, hostile)

    assert 1 <= len(found) <= MOST_ERRORS
    assert max(len(text) for pair in found.items() for text in pair) <= MOST_CHARACTERS
    with pytest.raises(ServiceError) as caught:
        PayloadSchema("a.type", schema).check(hostile)
    assert len(to_status(caught.value).SerializeToString()) < 6_000
    assert GRPC_CODE[caught.value.reason]


def test_a_pattern_that_backtracks_for_ever_does_not() -> None:
    schema: dict[str, object] = {"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}

    assert list(problems(schema, {"a": "a" * 40 + "!"})) == ["data.a"]

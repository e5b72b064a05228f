from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_admin.payload import MAX_BYTES, MAX_DEPTH, parse_payload
from service_kit.errors import ServiceError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=40,
)


def nested(levels: int, *, filler: str = "") -> bytes:
    """An object of that many levels."""
    return orjson.dumps({"x": filler})[:-1] + b',"y":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_any_reasonable_object_is_read(payload: dict[str, Any]) -> None:
    assert parse_payload(orjson.dumps(payload)) == payload


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_payload(data)
    except ServiceError as error:
        assert error.reason in {"INVALID_REQUEST", "PAYLOAD_INVALID"}  # noqa: PT017 - reading them may work too


@pytest.mark.parametrize(
    "filler", ["", '[[[{{{"' * 40, "\\" * 9, '"'], ids=["plain", "brackets", "backslashes", "quote"]
)
def test_the_depth_is_counted_outside_of_texts_only(filler: str) -> None:
    parse_payload(nested(MAX_DEPTH, filler=filler))

    with pytest.raises(ServiceError, match="nested deeper than 64 levels"):
        parse_payload(nested(MAX_DEPTH + 1, filler=filler))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(parse_payload(b'{"a":[' + b"[]," * 5_000 + b"[]]}")["a"]) == 5_001


@pytest.mark.parametrize(
    "data",
    [b"[" * (MAX_BYTES - 1), b'{"a":' * 40_000, b'"' + b'\\"' * 100_000, b'{"a":"' + b"\\" * 200_000 + b'"}'],
    ids=["lists", "objects", "escapes", "backslashes"],
)
def test_hostile_data_takes_no_time(data: bytes) -> None:
    began = time.perf_counter()
    with suppress(ServiceError):
        parse_payload(data)
    assert time.perf_counter() - began < 0.5


def test_the_limit_is_256_kib_to_the_byte() -> None:
    around = len(orjson.dumps({"x": ""}))

    parse_payload(orjson.dumps({"x": "a" * (MAX_BYTES - around)}))

    with pytest.raises(ServiceError) as caught:
        parse_payload(orjson.dumps({"x": "a" * (MAX_BYTES - around + 1)}))
    assert caught.value.reason == "TOO_LARGE"

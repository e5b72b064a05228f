from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api_gateway import json_text
from service_kit.errors import ServiceError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
INDENTS = st.sampled_from([None, 0, 2, "\t"])


@given(
    st.dictionaries(st.text(), VALUES), INDENTS, st.sampled_from([json.dumps, partial(json.dumps, ensure_ascii=False)])
)
def test_members_are_the_exact_text_of_the_values(value: dict[str, Any], indent: Any, write: Any) -> None:
    text = write(value, indent=indent)

    found = json_text.members(f" {text}\n")

    assert [name for name, _ in found] == list(value)
    for (_, raw), one in zip(found, value.values(), strict=True):
        assert raw in text
        assert json.loads(raw) == one


@given(st.lists(VALUES), INDENTS)
def test_items_are_the_exact_text_of_the_values(value: list[Any], indent: Any) -> None:
    found = json_text.items(json.dumps(value, indent=indent))

    assert [json.loads(raw) for raw in found] == value


def no_json(constant: str) -> None:
    """Python's own reader takes NaN and Infinity, which JSON has not."""
    raise ValueError(constant)


@given(st.text(alphabet='{}[]":,\\ntrue0.1e- \t\x00é') | st.text())
@example("Infinity")
@example('{"n":NaN}')
def test_any_text_is_taken_apart_exactly_when_it_is_a_json_object(text: str) -> None:
    try:
        expected = isinstance(json.loads(text, parse_constant=no_json), dict)
    except ValueError:
        expected = False

    if expected:
        json_text.members(text)
    else:
        with pytest.raises(ServiceError, match=r"^the body (is no JSON|must be a JSON object)"):
            json_text.members(text)


def test_a_number_of_any_size_keeps_its_digits() -> None:
    digits = "9" * 5_000

    (member,) = json_text.members(f'{{"n":{digits}}}')

    assert member == ("n", digits)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_only_javascript_knows_is_no_json(constant: str) -> None:
    with pytest.raises(ServiceError, match="is no JSON"):
        json_text.members(f'{{"n":{constant}}}')


@pytest.mark.parametrize(
    "text",
    ['{"a":1} x', '{"a":1,}', "{'a':1}", '{"a" 1}', '{"a":01}', '{"a":"\n"}', "\ufeff{}", "", "{", '{"a":', '{"a'],
)
def test_text_that_is_no_json_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ServiceError, match=r"is no JSON: .* at character \d+"):
        json_text.members(text)


@pytest.mark.parametrize("text", ["[]", "1", '"x"', "null", "true"])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="must be a JSON object"):
        json_text.members(text)

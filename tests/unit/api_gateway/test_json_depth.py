from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.json_text import is_deeper

VALUES = st.recursive(
    st.none() | st.text(alphabet='[]{}"\\a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def depth(value: Any) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if below is None else 1 + max(map(depth, below), default=0)


@given(VALUES, st.integers(0, 5))
def test_depth_is_counted_as_a_parser_counts_it(value: Any, levels: int) -> None:
    assert is_deeper(json.dumps(value), levels) is (depth(value) > levels)


@pytest.mark.parametrize("levels", [64, 65, 100_000])
def test_the_limit_is_64_levels(levels: int) -> None:
    assert is_deeper("[" * levels + "]" * levels, 64) is (levels > 64)


def test_brackets_side_by_side_or_in_strings_are_no_depth() -> None:
    assert not is_deeper("[" + "[],{}," * 1_000 + '"' + "[" * 100 + '\\""]', 64)

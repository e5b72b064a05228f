from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.dashboard import charts, formatting, json_tree, links
from api_gateway.dashboard.job_rows import Progress, progress_of
from api_gateway.dashboard.paging import pages_of
from api_gateway.dashboard.rendering import prose
from api_gateway.dashboard.schema_words import words_of_schema
from jobqueue.queue.v1 import job_pb2

DASHBOARD = files("api_gateway.dashboard")
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 ms"),
        (850, "850 ms"),
        (1_240, "1.2 s"),
        (64_000, "1 min 4 s"),
        (7_500_000, "2 h 5 min"),
        (86_400_000, "1 d"),
    ],
)
def test_lengths_of_time_are_told_in_their_largest_units(ms: int, words: str) -> None:
    assert formatting.duration(ms) == words


@pytest.mark.parametrize(
    ("at", "words"), [(1_000_000, "just now"), (940_000, "1 min ago"), (1_030_000, "in 30 s"), (0, "16 min ago")]
)
def test_times_are_told_from_now(at: int, words: str) -> None:
    assert formatting.relative(at, 1_000_000) == words


def test_a_time_that_was_written_in_utc_is_read_and_any_other_text_is_none() -> None:
    assert formatting.iso(formatting.parse_utc("2027-01-31T09:30") or 0) == "2027-01-31T09:30:00.000Z"
    assert formatting.parse_utc("2027-01-31T09:30+02:00") == formatting.parse_utc("2027-01-31T07:30")
    assert formatting.parse_utc("tomorrow") is None
    assert formatting.parse_utc("0001-01-01") is None


@given(DOCUMENTS)
def test_a_document_keeps_its_meaning_when_it_is_indented(document: object) -> None:
    assert json.loads(json_tree.pretty(json.dumps(document).encode())) == document


def test_numbers_keep_the_digits_they_were_written_with() -> None:
    text = b'{"big": 123456789012345678901234567890, "fine": 1.10, "small": 1e-400}'
    assert [child.text for child in json_tree.tree(json_tree.read(text)).children] == [
        "123456789012345678901234567890",
        "1.10",
        "1e-400",
    ]


def test_a_large_document_is_rendered_in_parts_that_join_without_a_gap() -> None:
    value = json_tree.read(json.dumps(list(range(1_000))).encode())
    seen: list[str] = []
    start: int | None = 0
    while start is not None:
        part = json_tree.tree(value, start=start)
        assert len(part.children) <= json_tree.PART
        seen += [child.text for child in part.children]
        start = part.rest_from
    assert seen == [str(n) for n in range(1_000)]


def test_a_part_of_a_document_is_found_by_its_path() -> None:
    value = json_tree.read(b'{"a": [{"b": 7}]}')
    assert json_tree.tree(value, ["a", "0", "b"]).text == "7"
    with pytest.raises(json_tree.NoSuchPart):
        json_tree.tree(value, ["a", "1"])


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/\tx", "javascript:alert(1)"]
)
def test_an_address_that_leads_elsewhere_is_not_followed(target: str) -> None:
    assert links.local(target) == links.queues()


def test_a_job_whose_id_a_browser_would_take_out_of_a_path_has_an_address_too() -> None:
    assert links.job("tickets", "..") == "/job-queues/tickets/~job?id=.."
    assert links.job("tickets", "a:b", status="failed") == "/job-queues/tickets/a:b?status=failed"


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        (b"", None),
        (b"null", None),
        (b"40", Progress(40, "40 %")),
        (b'{"done": 3, "total": 4}', Progress(75, "75 %")),
        (b'{"percent": 12.6}', Progress(13, "13 %")),
        (b"4711", Progress(None, "4711")),
        (b"true", Progress(None, "true")),
        (b'{"done": 3, "total": 0}', Progress(None, '{"done": 3, "total": 0}')),
    ],
)
def test_progress_is_a_share_where_it_can_be_seen_as_one(document: bytes, shown: Progress | None) -> None:
    assert progress_of(document) == shown


@given(st.integers(1, 2_000), st.integers(1, 100_000), st.sampled_from([10, 25, 100]))
def test_page_numbers_hold_the_first_the_last_and_this_one(page: int, total: int, size: int) -> None:
    last = -(-total // size)
    pages = pages_of(job_pb2.Pagination(page=min(page, last), page_size=size, total=total, total_pages=last))
    numbers = [n for n in pages.shown if n]
    assert {1, last, min(page, last)} <= set(numbers)
    assert numbers == sorted(set(numbers))
    assert len(pages.shown) <= 9


def test_a_chart_says_what_it_shows_and_stays_in_its_box() -> None:
    minutes = [job_pb2.QueueMinute(timestamp=n, completed=n * 10, failed=n) for n in range(80)]
    spark = charts.sparkline(minutes)
    assert spark.words == f"last hour: {sum(range(20, 80)) * 10:,} completed, {sum(range(20, 80)):,} failed"
    assert spark.completed_path.count("M") == spark.failed_path.count("M") == 60
    assert charts.sparkline([]).completed_path == ""


def test_a_schema_is_told_in_words_and_never_loops() -> None:
    schema = {
        "$defs": {"Loop": {"$ref": "#/$defs/Loop"}, "Kind": {"enum": ["a", "b"], "type": "string"}},
        "properties": {
            "loop": {"$ref": "#/$defs/Loop"},
            "kind": {"$ref": "#/$defs/Kind"},
            "subject": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
            "count": {"type": "integer", "minimum": 1},
        },
        "required": ["count"],
    }
    fields = list(words_of_schema(json.dumps(schema).encode()))
    assert [(field.name, field.kind, field.words) for field in fields] == [
        ("count", "integer", "whole number, at least 1"),
        ("loop", "json", "anything"),
        ("kind", "choice", "one of a, b"),
        ("subject", "text", "text, at most 200 characters"),
    ]
    assert list(words_of_schema(b"[1]")) == []
    assert list(words_of_schema(b"no json")) == []


def test_what_stands_between_backticks_is_code_and_nothing_is_markup() -> None:
    assert prose("due at `x<y` <b>") == "due at <code>x&lt;y</code> &lt;b&gt;"
    assert prose("a ` alone") == "a ` alone"


def test_no_page_and_no_module_names_a_path_of_the_host() -> None:
    named = [
        f"{file.name}: {line.strip()}"
        for folder in ("templates", "static")
        for file in (DASHBOARD / folder).iterdir()
        for line in file.read_text().splitlines()
        if re.search(r"""(?<!at\()["'`=]/[a-z]""", line)
    ]

    assert named == [], "a proxy may show us below a path: write at('/…')"

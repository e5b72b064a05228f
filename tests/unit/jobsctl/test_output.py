from __future__ import annotations

import json

import pytest

from jobsctl.output import at, duration_text, plain, print_fields, print_json, print_table, time_text


def test_a_table_is_aligned_and_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"id": "a", "n": 5}, {"id": "longer", "n": 1_234}], [("id", at("id")), ("n", at("n"))])

    assert capsys.readouterr().out == "ID         N\na          5\nlonger  1234\n"


def test_an_empty_table_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], [("id", at("id")), ("n", at("n"))])

    assert capsys.readouterr().out == "ID  N\n"


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "a\x07", "\u202egnp.exe", "\r\x00"])
def test_what_others_wrote_cannot_command_the_terminal(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"id": hostile}], [("id", at("id"))])
    print_fields([("reason", hostile)])
    print_json({"id": hostile})

    shown = capsys.readouterr().out
    assert not set(shown) & set("\x1b\x9b\x07\r\x00")
    assert "\u202e" not in plain(hostile)
    assert json.loads(shown[shown.index("{") :]) == {"id": hostile}


def test_a_line_break_does_not_break_a_table() -> None:
    assert plain("one\ntwo") == "one two"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, ""), (1_000, "1970-01-01T00:00:01Z"), (1_795_690_367_687, "2026-11-26T10:52:47Z"), (10**20, str(10**20))],
)
def test_times_are_utc(milliseconds: int, text: str) -> None:
    assert time_text(milliseconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(7, "7 ms"), (4_200, "4.2 s"), (720_000, "12 min"), (12_600_000, "3.5 h"), (172_800_000, "2 d")],
)
def test_durations_have_the_unit_that_fits(milliseconds: int, text: str) -> None:
    assert duration_text(milliseconds) == text

from __future__ import annotations

import importlib.metadata
import re
import time
from pathlib import Path

import click
import pytest

from jobsctl.config import read_config
from jobsctl.parameters import When
from jobsctl.refusals import Exit, from_problem
from jobsctl.session import StoredSession, expiry, read_session, write_session


def test_it_installs_without_the_servers() -> None:
    needed = {re.split(r"[^\w-]", line)[0] for line in importlib.metadata.requires("jobsctl") or ()}

    assert needed == {"click", "httpx"}


def test_the_file_names_gateway_token_and_timeout(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('url = "https://jobs"\ntoken_file = "keys/token"\ntimeout = 3\n')

    assert read_config(path) == {"url": "https://jobs", "token_file": str(tmp_path / "keys/token"), "timeout": 3}


@pytest.mark.parametrize(("text", "said"), [("url = ", "cannot be read"), ('user = "me"', "user: no such setting")])
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config.toml").write_text(text)

    with pytest.raises(click.UsageError, match=said):
        read_config(tmp_path / "config.toml")


@pytest.mark.parametrize(
    ("given", "seconds"), [("90s", -90), ("30m", -1_800), ("2h", -7_200), ("1d", -86_400), ("1w", -604_800)]
)
def test_a_distance_is_counted_from_now(given: str, seconds: int) -> None:
    for ahead, sign in ((False, 1), (True, -1)):
        found = When(ahead=ahead).convert(given, None, None)
        assert abs(found / 1_000 - time.time() - sign * seconds) < 5


@pytest.mark.parametrize("given", ["2026-05-04T17:00:00Z", "2026-05-04T17:00", "2026-05-04T19:00:00+02:00"])
def test_a_time_without_a_zone_is_utc(given: str) -> None:
    assert When(ahead=True).convert(given, None, None) == 1_777_914_000_000


def test_a_session_that_cannot_be_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_session() is None

    write_session(StoredSession("https://jobs", "a.b.c"))
    assert read_session() == StoredSession("https://jobs", "a.b.c")
    (tmp_path / "jobsctl" / "session.json").write_text("{}")

    assert read_session() is None
    assert expiry("no token") == 0


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (401, 6), (403, 6), (404, 3), (409, 4), (413, 2), (422, 2), (429, 5), (500, 1), (503, 5), (504, 5)],
)
def test_each_http_status_has_its_exit_status(status: int, code: int) -> None:
    refusal = from_problem(status, {"code": "X", "detail": "no", "requestId": "r-1"}, "7")

    assert (refusal.exit_code, refusal.retry_after, refusal.may_pass) == (code, 7.0, code == Exit.UNAVAILABLE)
    assert ("r-1" in refusal.message) == (status >= 500)


def test_the_fields_that_are_wrong_are_named_once() -> None:
    problem = {
        "code": "INVALID_REQUEST",
        "detail": "limit must be at most 1000",
        "errors": [{"field": "limit", "problem": "must be at most 1000"}, {"field": "page", "problem": "is no number"}],
    }

    assert (
        from_problem(400, problem, None).message == "INVALID_REQUEST: limit must be at most 1000\n  page is no number"
    )

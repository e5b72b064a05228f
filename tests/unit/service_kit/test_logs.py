from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from service_kit.logs import redact

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"refused {JWT} again", "refused *** again"),
        ("authorization: Bearer abc.def", "authorization: Bearer ***"),
        ("postgresql://audit:pa55@db:5432/x", "postgresql://***@db:5432/x"),
        ("postgresql://audit:p@ss:w@rd@db/x", "postgresql://***@db/x"),
        ("redis://:pa55@cache/0 is away", "redis://***@cache/0 is away"),
        ("https://example.org/a:b@c", "https://example.org/a:b@c"),
        ("host=db password=pa55 user=x", "host=db password=*** user=x"),
        ("host=db password='pa 55' user=x", "host=db password=*** user=x"),
        ("see https://example.org:443/path", "see https://example.org:443/path"),
    ],
)
def test_secrets_inside_a_text_are_hidden(text: str, shown: str) -> None:
    assert redact(None, "info", {"event": text}) == {"event": shown}


@pytest.mark.parametrize(
    "name", ["password", "smtp_password", "client_secret", "access_token", "Authorization", "api_key"]
)
def test_values_with_the_name_of_a_secret_are_hidden(name: str) -> None:
    assert redact(None, "info", {name: "anything"}) == {name: "***"}


def test_the_fencing_token_of_a_lease_is_no_secret() -> None:
    assert redact(None, "info", {"token": 17, "token_id": "t-1"}) == {"token": 17, "token_id": "t-1"}


def test_secrets_below_the_surface_are_hidden() -> None:
    event = {"settings": {"password": "x", "urls": ["redis://:y@h", b"redis://:y@h", ValueError("redis://:y@h")]}}

    hidden = "redis://***@h"
    assert redact(None, "info", event) == {"settings": {"password": "***", "urls": [hidden, hidden, hidden]}}


SCRIPT = """
import logging, sys, structlog
from service_kit.logs import configure_logging
configure_logging("plumbing", "1.2.3", level="info")
log = structlog.get_logger()
structlog.contextvars.bind_contextvars(request_id="r-1")
log.info("pipe_fixed", pipe=3, at={1: "x"}, odd="\\udcff", big=2**70)
log.debug("not_shown")
logging.getLogger("httpx").info("HTTP Request: GET https://sms.example/?key=pa55")
logging.getLogger("library").warning("said %s", "postgresql://u:pa55@h/d")
try:
    raise RuntimeError("with https://u:pa55@h")
except RuntimeError as error:
    log.error("failed", exc_info=error)
    log.exception("failed_too")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert ended.stderr == b""
    return [orjson.loads(line) for line in ended.stdout.splitlines()]


def test_a_full_disk_is_no_error_of_who_writes_a_line() -> None:
    script = SCRIPT + 'sys.stderr.write("went on")'
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, check=False)

    assert b"No space left on device" in ended.stderr
    assert b"went on" in ended.stderr


def test_every_record_is_one_json_line_with_service_and_time(lines: list[dict[str, Any]]) -> None:
    assert [line["event"] for line in lines] == [
        "pipe_fixed",
        "said postgresql://***@h/d",
        "failed",
        "failed_too",
    ]
    assert {(line["service"], line["version"]) for line in lines} == {("plumbing", "1.2.3")}
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_what_is_bound_to_the_context_is_in_every_record(lines: list[dict[str, Any]]) -> None:
    assert {line["request_id"] for line in lines} == {"r-1"}


def test_what_json_cannot_hold_does_not_lose_the_line(lines: list[dict[str, Any]]) -> None:
    assert (lines[0]["pipe"], lines[0]["at"]) == (3, {"1": "x"})


def test_tracebacks_are_text_without_secrets(lines: list[dict[str, Any]]) -> None:
    assert all("RuntimeError: with https://***@h" in line["exception"] for line in lines[2:])


def test_the_standard_library_speaks_through_the_same_chain(lines: list[dict[str, Any]]) -> None:
    assert lines[1]["level"] == logging.getLevelName(logging.WARNING).lower()

"""Whatever arrives, the answer is the call's own or a refusal in our shape, never a defect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.gateway import RunningGateway, a_gateway

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.sampled_from(
    ["name", "data", "opts", "jobId", "delay", "backoff", "type", "status", "ids", "reason", "limit"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.just("failed")
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES | st.text(), inner), max_leaves=12)
CALLS = st.sampled_from(
    [
        ("POST", "/jobs/queues/tickets"),
        ("POST", "/jobs/queues/tickets/batch"),
        ("POST", "/jobs/queues/tickets/7/retry"),
        ("POST", "/jobs/queues/tickets/retry"),
        ("POST", "/auth/login"),
    ]
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with a_gateway(tmp_path_factory.mktemp("gateway")) as running, an_admin(running) as client:
        yield client


def an_admin(running: RunningGateway) -> httpx.Client:
    return running.client("ADMIN")


def assert_well_answered(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["requestId"]


@FUZZ
@given(call=CALLS, body=VALUES.map(orjson.dumps) | st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_body(client: httpx.Client, call: tuple[str, str], body: bytes) -> None:
    verb, path = call

    assert_well_answered(client.request(verb, path, content=body, headers={"content-type": "application/json"}))


@FUZZ
@given(segments=st.lists(st.text(max_size=20) | st.binary(max_size=10), max_size=4), query=st.text(max_size=60))
def test_any_path_and_query(client: httpx.Client, segments: list[Any], query: str) -> None:
    path = "/jobs/" + "/".join(quote(segment, safe="") for segment in segments)

    assert_well_answered(client.get(f"{path}?{quote(query, safe='&=%+')}"))


@FUZZ
@given(name=st.sampled_from(["authorization", "x-request-id", "content-type", "accept"]), value=st.text(max_size=80))
def test_any_header(client: httpx.Client, name: str, value: str) -> None:
    text = "".join(character for character in value if character.isprintable()).strip()
    headers = {name.encode(): text.encode("utf-8", "ignore")}

    assert_well_answered(client.post("/jobs/queues/tickets", content=b"{}", headers=headers))

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.gateway import RunningGateway, a_gateway

ENQUEUE = "/jobs/queues/tickets"
JSON = {"content-type": "application/json"}
KIB = 1024


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with a_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx.Client]:
    gateway.backend.calls.clear()
    with gateway.client("ADMIN") as client:
        yield client
    assert gateway.backend.calls == [], "a bad request never reaches a service"


def refused(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["requestId"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/jobs/queues/Tickets", "queue"),
        ("/jobs/queues/1tickets", "queue"),
        ("/jobs/queues/" + "q" * 64, "queue"),
        ("/jobs/queues/tick%00ets", "queue"),
        ("/jobs/queues/%ff", "queue"),
        ("/jobs/queues/tickets%0a", "queue"),
        ("/jobs/queues/a%2Fb", "queue"),
        ("/jobs/queues/%2e%2e", "queue"),
        ("/jobs/queues/tickets/" + "j" * 265, "jobId"),
        ("/jobs/queues/tickets/a%2Fretry", "jobId"),
        ("/jobs/queues/tickets/a%20b", "jobId"),
        ("/jobs/queues/tickets/%C3%A9", "jobId"),
        ("/jobs/queues/tickets?page=0", "page"),
        ("/jobs/queues/tickets?page=-1", "page"),
        ("/jobs/queues/tickets?page=1000001", "page"),
        ("/jobs/queues/tickets?page=one", "page"),
        ("/jobs/queues/tickets?pageSize=0", "pageSize"),
        ("/jobs/queues/tickets?pageSize=101", "pageSize"),
        ("/jobs/queues/tickets?status=done", "status"),
        ("/jobs/queues/tickets?status=failed&status=active", "status"),
        ("/jobs/queues/tickets?colour=red", "colour"),
        ("/jobs/queues?page=1", "page"),
        ("/jobs/audit?from=yesterday", "from"),
        ("/jobs/audit?from=-1", "from"),
        ("/jobs/audit?to=253402300800000", "to"),
        ("/jobs/audit?action=hug", "action"),
        ("/jobs/audit?queue=Tickets", "queue"),
        ("/jobs/audit?actor=" + "a" * 301, "actor"),
    ],
)
def test_a_wrong_path_or_parameter_is_400_and_named(client: httpx.Client, path: str, field: str) -> None:
    problem = refused(client.get(path), 400)

    assert problem["code"] == "INVALID_REQUEST"
    assert [error["field"] for error in problem["errors"]] == [field]
    assert field in problem["detail"]


def test_a_number_out_of_range_is_refused_with_its_range(client: httpx.Client) -> None:
    problem = refused(client.get("/jobs/queues/tickets?pageSize=101"), 400)

    assert problem["errors"] == [{"field": "pageSize", "problem": "must be from 1 to 100"}]


@pytest.mark.parametrize("query", ["page=%ff", "x=%", "&".join(f"a{n}=1" for n in range(60))])
def test_a_query_that_is_not_well_formed_is_400(client: httpx.Client, query: str) -> None:
    refused(client.get(f"/jobs/queues/tickets?{query}"), 400)


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (ENQUEUE, {}, ["name", "data"]),
        (ENQUEUE, {"name": "", "data": 1}, ["name"]),
        (ENQUEUE, {"name": "x" * 101, "data": 1}, ["name"]),
        (ENQUEUE, {"name": "x", "data": 1, "queue": "other"}, ["queue"]),
        (ENQUEUE, {"name": "x", "data": 1, "colour": 1}, ["colour"]),
        (ENQUEUE, {"name": "x", "data": 1, "opts": {"attempts": 0}}, ["opts.attempts"]),
        (ENQUEUE, {"name": "x", "data": 1, "opts": {"jobId": "a b"}}, ["opts.jobId"]),
        (ENQUEUE, {"name": "x", "data": 1, "opts": {"jobId": ""}}, ["opts.jobId"]),
        (ENQUEUE, {"name": "x", "data": 1, "opts": {"dueAt": -1}}, ["opts.dueAt"]),
        (ENQUEUE, {"name": "x", "data": 1, "opts": {"ifExists": "panic"}}, ["opts.ifExists"]),
        (ENQUEUE, {"name": "x", "data": 1, "opts": {"backoff": {"delay": 86_400_001}}}, ["opts.backoff.delay"]),
        (f"{ENQUEUE}/batch", {}, ["jobs"]),
        (f"{ENQUEUE}/batch", {"jobs": []}, ["jobs"]),
        (f"{ENQUEUE}/batch", {"jobs": [{"name": "x", "data": 1}] * 1_001}, ["jobs"]),
        (f"{ENQUEUE}/batch", {"jobs": [{"name": "x", "data": 1}, {"name": 1}]}, ["jobs[1].name"]),
        (f"{ENQUEUE}/7/retry", {"reason": "r" * 1_001}, ["reason"]),
        (f"{ENQUEUE}/7/cancel", {"reason": 5}, ["reason"]),
        (f"{ENQUEUE}/retry", {"status": "failed"}, ["reason"]),
        (f"{ENQUEUE}/remove", {"status": "failed", "reason": "r", "limit": 1_001}, ["limit"]),
        (f"{ENQUEUE}/pause?reason=x", {}, ["reason"]),
    ],
)
def test_a_wrong_body_is_400_and_names_every_wrong_field(
    client: httpx.Client, path: str, body: Any, fields: list[str]
) -> None:
    problem = refused(client.post(path, json=body), 400)

    assert [error["field"] for error in problem["errors"]] == fields


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"[]",
        b'"x"',
        b"null",
        b'{"name":"x","data":NaN}',
        b'{"name":"x","data":{}}{}',
        b"\xff\xfe",
        b'{"name":"\xe9","data":1}',
        b'\xef\xbb\xbf{"name":"x","data":1}',
        b'{"name":"x","data":' + b"[" * 65 + b"]" * 65 + b"}",
        b'{"name":"x","data":' + b"[" * 100_000,
        b'{"name":"x","data":' + b'{"a":' * 40_000,
    ],
    ids=lambda body: f"{len(body)}-{body[:24]!r}",
)
def test_a_body_that_is_no_json_or_too_deep_is_400(client: httpx.Client, body: bytes) -> None:
    problem = refused(client.post(ENQUEUE, content=body, headers=JSON), 400)

    assert problem["code"] == "INVALID_REQUEST"


def test_data_nested_deeper_than_64_levels_is_400_and_named(client: httpx.Client) -> None:
    body = b'{"name":"x","data":' + b"[" * 65 + b"]" * 65 + b"}"

    problem = refused(client.post(ENQUEUE, content=body, headers=JSON), 400)

    assert problem["errors"] == [{"field": "data", "problem": "is nested deeper than 64 levels"}]


def test_a_body_over_256_kib_is_413(client: httpx.Client) -> None:
    body = b'{"name":"x","data":"' + b"y" * (256 * KIB) + b'"}'

    assert refused(client.post(ENQUEUE, content=body, headers=JSON), 413)["code"] == "TOO_LARGE"
    in_chunks = (body[start : start + 8 * KIB] for start in range(0, len(body), 8 * KIB))
    assert refused(client.post(ENQUEUE, content=in_chunks, headers=JSON), 413)["code"] == "TOO_LARGE"


@pytest.mark.parametrize("announced", ["content-length: 1000000000000", "transfer-encoding: chunked"])
def test_an_endless_body_is_refused_before_it_is_sent(gateway: RunningGateway, announced: str) -> None:
    head = (
        f"POST {ENQUEUE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {gateway.token('OPS')}\r\n{announced}\r\n\r\n"
    )
    with connection(gateway) as stream:
        stream.sendall(head.encode())
        if "chunked" in announced:
            stream.sendall((b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 5)
        assert stream.recv(1_000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": ""},
        {**JSON, "content-encoding": "gzip"},
        {**JSON, "content-encoding": "br"},
    ],
)
def test_another_media_type_or_a_compressed_body_is_415(client: httpx.Client, headers: dict[str, str]) -> None:
    problem = refused(client.post(ENQUEUE, content=b'{"name":"x","data":1}', headers=headers), 415)

    assert problem["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/jobs", 404, None),
        ("GET", "/jobs/queues/", 400, None),
        ("GET", "/jobs/nothing", 404, None),
        ("GET", "/jobs/queues/tickets/7/retry/now", 404, None),
        ("GET", "/docs/../health", 200, None),
        ("DELETE", "/jobs/queues/tickets", 405, "GET, POST"),
        ("GET", "/jobs/queues/tickets/7/retry", 405, "POST"),
        ("PUT", "/jobs/queues", 405, "GET"),
        ("GET", "/auth/login", 405, "POST"),
        ("POST", "/health", 405, "GET, HEAD"),
        ("OPTIONS", "/jobs/queues", 405, "GET"),
    ],
)
def test_an_unknown_path_is_404_and_a_wrong_method_405(
    client: httpx.Client, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = client.request(method, path)

    if status != 200:
        refused(answer, status)
    if allow:
        assert sorted(answer.headers["allow"].split(", ")) == sorted(allow.split(", "))


def test_a_browser_at_the_root_is_led_to_the_dashboard_and_a_program_is_not(client: httpx.Client) -> None:
    browser = client.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert (browser.status_code, browser.headers["location"]) == (302, "/job-queues")
    assert "accept" in browser.headers["vary"].lower()
    for accept in ("*/*", "application/json"):
        refused(client.get("/", headers={"accept": accept}), 404)


def connection(gateway: RunningGateway) -> socket.socket:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def test_a_head_without_end_is_refused(gateway: RunningGateway) -> None:
    with connection(gateway) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nx-long: ")
        received = b""
        try:
            for _ in range(200):
                stream.sendall(b"y" * 8 * KIB)
        except OSError:
            pass
        else:
            received = stream.recv(100)

    assert received == b"" or received.startswith(b"HTTP/1.1 400")


def test_a_head_that_does_not_arrive_in_time_is_cut(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_gateway.protocol.HEAD_SECONDS", 0.2)
    with connection(gateway) as stream:
        stream.sendall(b"GET /health HTTP/1.1\r\nhost:")
        assert stream.recv(100) == b""


def test_a_body_that_does_not_arrive_in_time_is_408(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_gateway.body.READ_SECONDS", 0.2)
    with connection(gateway) as stream:
        head = f"POST {ENQUEUE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gateway.token('OPS')}\r\n"
        stream.sendall(f"{head}content-type: application/json\r\ncontent-length: 10\r\n\r\n{{".encode())
        assert stream.recv(1_000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("path", ["/health", "/jobs/queues", "/nothing", "/openapi.json", "/docs"])
def test_every_answer_has_the_security_headers(gateway: RunningGateway, path: str) -> None:
    answer = httpx.get(gateway.url + path)

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == ("no-cache" if path in ("/openapi.json", "/docs") else "no-store")
    assert "server" not in answer.headers


def test_routes_in_metrics_are_patterns_and_few(gateway: RunningGateway) -> None:
    with gateway.client("OPS") as client:
        for number in range(5):
            client.get(f"/jobs/queues/tickets/{number}")
            client.get(f"/no/such/path/{number}")
            client.request(f"METHOD{number}", "/health")
    gateway.backend.calls.clear()

    labels = {
        (sample.labels["route"], sample.labels["method"])
        for family in gateway.registry.collect()
        for sample in family.samples
        if "route" in sample.labels
    }
    assert ("/jobs/queues/{queue}/{jobId}", "GET") in labels
    assert ("unmatched", "GET") in labels
    assert not [route for route, _ in labels if "such" in route or route.endswith("/4")]
    assert {method for _, method in labels} <= {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"}

"""The gateway below a path of a host, behind a real reverse proxy: all that it hands out leads back to it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import orjson
import pytest

from fixtures.stack import RunningStack
from support.reverse_proxy import ReverseProxy, reverse_proxy
from support.waiting import wait_until

BELOW = "/ops/queue"
LEADS_ON = re.compile(r'\s(?:href|src|action)="(?P<target>[^"]*)"')
TICKET = {"ticketId": "t-proxy", "propertyId": "p-1", "createdById": "user-tom", "landlordId": "landlord-hillside"}
MOST_PAGES = 200


@pytest.fixture(scope="module")
def gateway_url(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A further gateway of the running stack, told that it lies below a path."""
    folder, credentials = tmp_path_factory.mktemp("gateway"), stack.stack.credentials
    environment = {
        "PORT": "0",
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_METRICS_PORT": "0",
        "GATEWAY_ROOT_PATH": BELOW,
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.1",
        "GATEWAY_QUEUE_ADMIN_ADDRESS": stack.queue_admin_address,
        "GATEWAY_AUDIT_ADDRESS": stack.audit_address,
        "GATEWAY_USERS_FILE": str(credentials.users_file),
        "GATEWAY_SIGNING_KEY_FILE": str(credentials.signing_key_file),
        "AUTH_JWKS": str(credentials.jwks_file),
    }
    log = folder / "log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "api_gateway"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        started = wait_until(lambda: events(log, "gateway_started"), within=60, what="the gateway has started")
        yield f"http://127.0.0.1:{started[0]['port']}"
    finally:
        process.terminate()
        process.wait(30)


def events(log: Path, name: str) -> list[dict[str, int]]:
    lines = [orjson.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


@pytest.fixture(params=[True, False], ids=["a proxy that takes the path away", "a proxy that passes it on"])
def proxy(request: pytest.FixtureRequest, gateway_url: str) -> Iterator[ReverseProxy]:
    with reverse_proxy(gateway_url, BELOW, strips=request.param) as running:
        yield running


def credentials(stack: RunningStack, email: str) -> dict[str, str]:
    return {"email": email, "password": stack.stack.credentials.passwords()[email]}


def test_every_link_of_every_page_leads_back_to_the_gateway(stack: RunningStack, proxy: ReverseProxy) -> None:
    with stack.client("service@local") as backend:
        backend.post("/jobs/queues/tickets", json={"name": "ticket.created", "data": TICKET})
    with stack.client() as operator:
        path = "/jobs/queues/tickets/ticket-created-t-proxy"
        wait_until(lambda: operator.get(path).json()["status"] == "completed", within=60, what="the job is done")
    with httpx.Client(follow_redirects=True, timeout=20, headers={"accept": "text/html"}) as browser:
        first = browser.get(f"{proxy.url}{BELOW}")
        assert urlsplit(str(first.url)).path == f"{BELOW}/login"
        home = browser.post(str(first.url), data=credentials(stack, "admin@local"))
        assert str(home.url) == f"{proxy.url}{BELOW}/job-queues"

        seen = walk(browser, proxy.url, str(home.url))
        left = browser.post(f"{proxy.url}{BELOW}/logout")

    assert proxy.elsewhere == []
    assert {urlsplit(page).path.removeprefix(BELOW).split("/")[1] for page in seen} >= {
        "job-queues", "audit", "schedules", "workers", "job-types", "static",
    }  # fmt: skip
    assert any("ticket-created-t-proxy" in page for page in seen)
    assert str(left.url) == f"{proxy.url}{BELOW}/login"
    assert "You are signed out" in left.text


def walk(browser: httpx.Client, host: str, start: str) -> set[str]:
    """Ask for all that pages lead to, and for what that leads to; of forms, only that they lead to the gateway."""
    seen, ahead, shapes = set[str](), [start], set[str]()
    while ahead and len(seen) < MOST_PAGES:
        address = ahead.pop(0)
        answer = browser.get(address)
        seen.add(address)
        assert answer.status_code == 200, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for found in LEADS_ON.finditer(answer.text):
            target = urldefrag(urljoin(address, unescape(found["target"]))).url
            assert target.startswith((f"{host}{BELOW}/", "data:")), f"{address} leads to {target}"
            # Of pages that differ in their queries only in values, one says enough; but each tab has other rows.
            shape = re.sub(r"(?<!status)=[^&]*", "", target)
            if "action=" not in found[0] and shape not in shapes:
                shapes.add(shape)
                ahead.append(target)
    return seen


def test_rest_and_its_description_lead_back_to_the_gateway(stack: RunningStack, proxy: ReverseProxy) -> None:
    with httpx.Client(base_url=f"{proxy.url}{BELOW}", timeout=20) as client:
        session = client.post("/auth/login", json=credentials(stack, "admin@local")).json()
        client.headers["authorization"] = f"Bearer {session['accessToken']}"
        document = client.get("/openapi.json").json()
        ticket = {**TICKET, "ticketId": f"t-{proxy.url.rpartition(':')[2]}"}
        made = client.post("/jobs/queues/tickets", json={"name": "ticket.created", "data": ticket})
        described = client.get("/jobs/queues/tickets/no-such-job").json()["type"]

        assert document["servers"] == [{"url": BELOW}]
        assert made.status_code == 201
        assert made.headers["location"] == f"{BELOW}/jobs/queues/tickets/{made.json()['id']}"
        assert httpx.get(f"{proxy.url}{described}").status_code == 200
        page = client.get("/docs").text
        assert [target for target in LEADS_ON.findall(page) if not target.startswith((f"{BELOW}/", "#"))] == []
    assert proxy.elsewhere == []


def test_cookies_are_for_the_gateways_part_of_the_host_and_for_https(stack: RunningStack, gateway_url: str) -> None:
    with reverse_proxy(gateway_url, BELOW, strips=False, scheme="https") as proxy:
        answer = httpx.post(f"{proxy.url}{BELOW}/login", data=credentials(stack, "admin@local"))

    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Secure-jobqueue-session=")
    assert {"Path=/ops/queue", "Secure", "HttpOnly"} <= set(cookie.split("; "))


def test_the_way_back_after_a_login_stays_in_the_gateways_part_of_the_host(
    stack: RunningStack, gateway_url: str
) -> None:
    with reverse_proxy(gateway_url, BELOW, strips=False) as proxy:
        form = {**credentials(stack, "ops@local"), "next": "/another/application"}
        answer = httpx.post(f"{proxy.url}{BELOW}/login", data=form)

    assert answer.headers["location"] == f"{BELOW}/job-queues"

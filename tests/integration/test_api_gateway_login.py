from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api_gateway.auth import sessions
from api_gateway.auth.passwords import MOST_CHARACTERS, Passwords
from api_gateway.auth.sessions import Login
from api_gateway.auth.users import User
from service_kit.tokens import TokenVerifier
from support.gateway import PASSWORD, RunningGateway, a_gateway, a_user
from support.tokens import Authority

OPS = a_user("ops@example.org", "OPS")
TENANT = a_user("tenant@example.org", "TENANT")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """For tests that leave its users as they are and have attempts to spare."""
    with a_gateway(tmp_path_factory.mktemp("gateway")) as running:
        for user in (OPS, TENANT):
            running.users.put(user)
        yield running


@pytest.fixture
def own_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningGateway]:
    monkeypatch.setattr(sessions, "PERSON_ATTEMPTS", 3)  # each costs what a password hash costs
    monkeypatch.setattr(sessions, "ADDRESS_ATTEMPTS", 12)
    with a_gateway(tmp_path) as running:
        for user in (OPS, TENANT):
            running.users.put(user)
        yield running


def login(gateway: RunningGateway, email: str = OPS.email, password: str = PASSWORD) -> httpx.Response:
    return httpx.post(f"{gateway.url}/auth/login", json={"email": email, "password": password})


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def code(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.json()['code']}"


def test_a_login_answers_a_token_that_opens_the_jobs(gateway: RunningGateway) -> None:
    answer = login(gateway, "  Ops@Example.org")

    session = answer.json()
    assert answer.status_code == 200
    assert session["tokenType"] == "Bearer"
    assert session["expiresIn"] == 900
    assert session["user"] == {"id": "ops", "email": "ops@example.org", "roles": ["OPS"]}
    assert answer.headers["cache-control"] == "no-store"
    jobs = httpx.get(f"{gateway.url}/jobs/queues", headers=bearer(session["accessToken"]))
    assert jobs.status_code == 200


def test_a_tenant_may_log_in_and_is_refused_under_jobs(gateway: RunningGateway) -> None:
    token = login(gateway, TENANT.email).json()["accessToken"]
    gateway.backend.calls.clear()

    for path in ("/jobs/queues", "/jobs/queues/tickets", "/jobs/audit", "/jobs/types"):
        assert code(httpx.get(gateway.url + path, headers=bearer(token))) == "403 ROLE_REQUIRED"
    assert gateway.backend.calls == []


@pytest.mark.parametrize(
    ("roles", "path", "status"),
    [
        (["SERVICE"], "/jobs/queues/tickets/7", 200),
        (["SERVICE"], "/jobs/queues", 403),
        (["SERVICE"], "/jobs/audit", 403),
        (["WORKER"], "/jobs/queues", 403),
        (["QUEUE_ADMIN"], "/jobs/audit", 403),
        (["TENANT", "OPS"], "/jobs/queues", 200),
        ([], "/jobs/queues", 403),
    ],
)
def test_each_call_asks_for_its_roles(gateway: RunningGateway, roles: list[str], path: str, status: int) -> None:
    answer = httpx.get(gateway.url + path, headers=bearer(gateway.token(*roles)))

    assert answer.status_code == status


def test_only_an_admin_drains_workers(gateway: RunningGateway) -> None:
    path = "/jobs/workers/w/drain"
    with gateway.client("OPS") as ops, gateway.client("ADMIN") as admin:
        assert code(ops.post(path)) == "403 ROLE_REQUIRED"
        assert admin.post(path).status_code == 200


@pytest.mark.parametrize("email", [OPS.email, "nobody@example.org", "", "x" * 5_000])
def test_a_wrong_email_or_password_is_the_same_refusal(gateway: RunningGateway, email: str) -> None:
    answer = login(gateway, email or "not an email", "wrong password")

    assert code(answer) == "401 UNAUTHENTICATED"
    assert answer.json()["detail"] == "email or password is wrong"


def test_after_some_wrong_passwords_one_has_to_wait_and_others_do_not(own_gateway: RunningGateway) -> None:
    for _ in range(sessions.PERSON_ATTEMPTS):
        assert login(own_gateway, OPS.email, "wrong password").status_code == 401

    refused = login(own_gateway)

    assert code(refused) == "429 LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= sessions.WINDOW_SECONDS
    assert login(own_gateway, TENANT.email).status_code == 200


def test_right_passwords_are_never_limited(own_gateway: RunningGateway) -> None:
    answers = [login(own_gateway).status_code for _ in range(sessions.PERSON_ATTEMPTS + 2)]

    assert set(answers) == {200}


def test_one_address_cannot_try_many_emails(own_gateway: RunningGateway) -> None:
    headers = {"x-forwarded-for": "198.51.100.7"}  # from nobody we trust

    answers = [
        httpx.post(
            f"{own_gateway.url}/auth/login",
            json={"email": f"{number}@example.org", "password": "x" * (MOST_CHARACTERS + 1)},
            headers=headers,
        ).status_code
        for number in range(sessions.ADDRESS_ATTEMPTS + 1)
    ]

    assert answers == [401] * sessions.ADDRESS_ATTEMPTS + [429]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": "a"}, ["password"]),
        ({"email": 5, "password": "x"}, ["email"]),
        ({"email": "a", "password": ""}, ["password"]),
        ({"email": "a", "password": ["x"]}, ["password"]),
        ({"email": "a", "password": "x", "otp": 1}, ["otp"]),
    ],
)
def test_a_wrong_login_body_is_400_and_named(gateway: RunningGateway, body: Any, fields: list[str]) -> None:
    answer = httpx.post(f"{gateway.url}/auth/login", json=body)

    assert code(answer) == "400 INVALID_REQUEST"
    assert [error["field"] for error in answer.json()["errors"]] == fields
    assert "x" not in [error["problem"] for error in answer.json()["errors"]]


def test_a_login_body_is_bounded_and_json(gateway: RunningGateway) -> None:
    url = f"{gateway.url}/auth/login"
    assert httpx.post(url, json={"email": "a", "password": "x" * 20_000}).status_code == 413
    assert httpx.post(url, data={"email": "a", "password": "x"}).status_code == 415
    assert httpx.post(url).status_code == 400
    assert httpx.post(url, content=b"{", headers={"content-type": "application/json"}).status_code == 400


def test_a_session_goes_on_by_refreshing_with_the_roles_of_now(own_gateway: RunningGateway) -> None:
    token = login(own_gateway).json()["accessToken"]
    own_gateway.users.put(User(OPS.id, OPS.email, frozenset({"ADMIN"}), OPS.password_hash))

    answer = httpx.post(f"{own_gateway.url}/auth/refresh", headers=bearer(token))

    assert answer.status_code == 200
    assert answer.json()["user"]["roles"] == ["ADMIN"]
    again = httpx.post(f"{own_gateway.url}/auth/refresh", headers=bearer(answer.json()["accessToken"]))
    assert again.status_code == 200


def test_a_session_of_a_removed_user_ends(own_gateway: RunningGateway) -> None:
    token = login(own_gateway).json()["accessToken"]
    own_gateway.users.remove(OPS.email)

    assert code(httpx.post(f"{own_gateway.url}/auth/refresh", headers=bearer(token))) == "401 UNAUTHENTICATED"


def test_a_new_password_ends_every_session_of_its_user(own_gateway: RunningGateway) -> None:
    token = login(own_gateway).json()["accessToken"]
    with httpx.Client(base_url=own_gateway.url) as browser:
        browser.post("/login", data={"email": OPS.email, "password": PASSWORD})
        assert browser.get("/job-queues").status_code == 200
        own_gateway.users.put(replace(OPS, password_hash=Passwords().hash("another horse")))

        page = browser.get("/job-queues")

    assert (page.status_code, page.headers["location"]) == (303, "/login?next=%2Fjob-queues&ended=True")
    assert code(httpx.post(f"{own_gateway.url}/auth/refresh", headers=bearer(token))) == "401 UNAUTHENTICATED"
    assert login(own_gateway, password="another horse").status_code == 200


def test_a_session_in_a_browser_ends_some_time_after_the_last_page(tmp_path: Path) -> None:
    with a_gateway(tmp_path, gateway_idle_seconds=60) as running:
        running.users.put(OPS)
        with httpx.Client(base_url=running.url) as browser:
            answer = browser.post("/login", data={"email": OPS.email, "password": PASSWORD})

    assert "max-age=60" in answer.headers["set-cookie"].lower()


def test_a_session_ends_at_its_latest_whatever_is_refreshed(gateway: RunningGateway) -> None:
    def refreshed(seconds_since_login: int) -> httpx.Response:
        login_at = int(time.time()) - seconds_since_login
        session = Login(login_at, OPS.password_mark).as_claims()
        token = gateway.signer.sign(OPS.id, ["OPS"], seconds=60, session=session)
        return httpx.post(f"{gateway.url}/auth/refresh", headers=bearer(token))

    session_seconds = gateway.settings.gateway_session_seconds
    assert refreshed(session_seconds - 100).json()["expiresIn"] in (99, 100)
    assert code(refreshed(session_seconds)) == "401 UNAUTHENTICATED"


def test_a_token_of_a_service_cannot_be_refreshed(gateway: RunningGateway) -> None:
    token = gateway.token("OPS", sub=OPS.id)

    assert code(httpx.post(f"{gateway.url}/auth/refresh", headers=bearer(token))) == "401 UNAUTHENTICATED"


@pytest.mark.parametrize("header", ["", "Basic b3BzOm9wcw==", "Bearer", "Bearer x", "Bearer a.b.c", "x"])
def test_no_token_or_nonsense_is_401_everywhere(gateway: RunningGateway, header: str) -> None:
    for method, path in (("GET", "/jobs/queues"), ("POST", "/jobs/queues/tickets"), ("POST", "/auth/refresh")):
        answer = httpx.request(method, gateway.url + path, headers={"authorization": header} if header else {})
        assert code(answer) == "401 UNAUTHENTICATED"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_that_expired_or_was_changed_is_401(gateway: RunningGateway) -> None:
    head, claims, signature = gateway.token("OPS").split(".")
    for token in (gateway.token("OPS", seconds=-31), f"{head}.{claims}.{signature[:-4]}AAAA"):
        assert code(httpx.get(f"{gateway.url}/jobs/queues", headers=bearer(token))) == "401 UNAUTHENTICATED"


def test_the_published_keys_verify_the_tokens(gateway: RunningGateway, tmp_path: Path) -> None:
    published = httpx.get(f"{gateway.url}/.well-known/jwks.json")
    (tmp_path / "published.json").write_bytes(published.content)

    verifier = TokenVerifier.from_settings(
        gateway.settings.model_copy(update={"auth_jwks": str(tmp_path / "published.json")})
    )

    assert verifier.verify(login(gateway).json()["accessToken"]).subject == "ops"
    assert '"d"' not in published.text


def test_tokens_of_a_configured_issuer_are_accepted_and_never_refreshed(tmp_path: Path) -> None:
    other = Authority(issuer="https://id.example.org", audience="jobs", algorithm="ES256")
    external = {
        "auth_external_issuer": other.issuer,
        "auth_external_audience": other.audience,
        "auth_external_jwks": other.write_jwks(tmp_path),
    }
    with a_gateway(tmp_path, **external) as gateway:
        gateway.users.put(OPS)
        token = other.token("OPS", sub=OPS.id, auth_time=int(time.time()))

        # The backend behind knows our own issuer only, so its refusal shows that the gateway's own check passed.
        answer = httpx.get(f"{gateway.url}/jobs/queues", headers=bearer(token))
        assert "issuer is not known" in answer.json()["detail"]
        assert code(httpx.get(f"{gateway.url}/jobs/queues", headers=bearer(other.token("TENANT")))).startswith("403")
        assert code(httpx.post(f"{gateway.url}/auth/refresh", headers=bearer(token))) == "401 UNAUTHENTICATED"


def test_behind_a_trusted_proxy_the_client_is_who_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PERSON_ATTEMPTS", 3)
    with a_gateway(tmp_path, gateway_trusted_proxies="127.0.0.1") as gateway:
        gateway.users.put(OPS)

        def attempt(address: str, password: str) -> int:
            body = {"email": OPS.email, "password": password}
            return httpx.post(f"{gateway.url}/auth/login", json=body, headers={"x-forwarded-for": address}).status_code

        for _ in range(sessions.PERSON_ATTEMPTS):
            attempt("198.51.100.7", "wrong password")
        assert attempt("198.51.100.7", PASSWORD) == 429
        assert attempt("198.51.100.8", PASSWORD) == 200

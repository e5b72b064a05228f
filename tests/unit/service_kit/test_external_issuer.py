from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from service_kit import keys, tokens
from service_kit.errors import ServiceError
from service_kit.settings import ServiceSettings
from service_kit.tokens import TokenVerifier
from support.tokens import Authority

OURS = Authority()


def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(ServiceError) as caught:
        verifier.verify(token)
    assert caught.value.reason == "UNAUTHENTICATED"
    return caught.value.detail.removeprefix("the token is not valid: ")


class JwksServer:
    """Serves what `body` holds, and counts."""

    def __init__(self) -> None:
        self.body, self.asked = b"", 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def jwks_server() -> Iterator[JwksServer]:
    server = JwksServer()
    yield server
    server.stop()


def with_external(folder: Path, jwks: str, **more: Any) -> TokenVerifier:
    return TokenVerifier.from_settings(
        ServiceSettings(
            auth_jwks=OURS.write_jwks(folder),
            auth_external_issuer="https://id.example.org",
            auth_external_jwks=jwks,
            auth_external_audience="jobs",
            **more,
        )
    )


def external(algorithm: str) -> Authority:
    return Authority(issuer="https://id.example.org", audience="jobs", algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_an_external_issuer_is_accepted_with_the_roles_it_may_give(tmp_path: Path, algorithm: str) -> None:
    authority = external(algorithm)
    verifier = with_external(tmp_path, authority.write_jwks(tmp_path))

    caller = verifier.verify(authority.token("OPS", "WORKER", "QUEUE_ADMIN", header={"typ": "JWT", "custom": 1}))

    assert caller.roles == {"OPS"}
    assert caller.issuer == "https://id.example.org"


def test_an_external_issuer_may_list_its_roles_in_a_nested_claim(tmp_path: Path) -> None:
    authority = external("RS256")
    verifier = with_external(tmp_path, authority.write_jwks(tmp_path), auth_external_roles_claim="realm_access.roles")

    assert verifier.verify(authority.token(roles=None, realm_access={"roles": ["ADMIN"]})).roles == {"ADMIN"}
    assert verifier.verify(authority.token(roles=None, realm_access="ADMIN")).roles == set()


def test_an_external_issuer_cannot_speak_for_ours(tmp_path: Path) -> None:
    authority = external("EdDSA")
    verifier = with_external(tmp_path, authority.write_jwks(tmp_path))

    assert refusal(verifier, authority.token("ADMIN", iss="jobqueue", aud="jobqueue")) == "invalid key id"


def test_keys_behind_a_url_are_read_once_and_again_for_a_new_key(
    tmp_path: Path, jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.0)
    first, second = external("ES256"), external("RS256")
    verifier = with_external(tmp_path, jwks_server.url)
    jwks_server.body = first.jwks
    verifier.verify(first.token("OPS"))
    verifier.verify(first.token("OPS"))
    assert jwks_server.asked == 1

    jwks_server.body = second.jwks

    assert verifier.verify(second.token("OPS")).roles == {"OPS"}
    assert jwks_server.asked == 2


def test_tokens_with_unknown_keys_cannot_make_us_ask_again_and_again(tmp_path: Path, jwks_server: JwksServer) -> None:
    authority = external("ES256")
    verifier = with_external(tmp_path, jwks_server.url)
    jwks_server.body = authority.jwks
    verifier.verify(authority.token("OPS"))

    for number in range(20):
        refusal(verifier, authority.token("OPS", header={"kid": f"k{number}"}))

    assert jwks_server.asked == 1


BROKEN_SETS = [
    b"",
    b"not json",
    b"[]",
    b'{"keys": []}',
    b'{"keys": [{"kty": "OKP"}]}',
    b'{"keys": 1}',
    b'{"keys": [1]}',
]


@pytest.mark.parametrize("body", BROKEN_SETS)
def test_keys_that_cannot_be_read_are_unavailable_never_a_bad_token(
    tmp_path: Path, jwks_server: JwksServer, body: bytes
) -> None:
    jwks_server.body = body

    with pytest.raises(ServiceError) as caught:
        with_external(tmp_path, jwks_server.url).verify(external("ES256").token("OPS"))

    assert (caught.value.reason, caught.value.retry_after_ms) == ("UNAVAILABLE", 1_000)


def test_known_keys_stay_good_when_their_source_goes_away(
    tmp_path: Path, jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.0)
    authority = external("ES256")
    verifier = with_external(tmp_path, jwks_server.url)
    jwks_server.body = authority.jwks
    verifier.verify(authority.token("OPS"))

    jwks_server.body = b"gone"

    assert refusal(verifier, authority.token("OPS", header={"kid": "new"})) == "invalid key id"
    assert verifier.verify(authority.token("ADMIN")).roles == {"ADMIN"}


def test_a_key_taken_out_of_the_set_stops_counting(
    tmp_path: Path, jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaked, fresh = external("ES256"), external("ES256")
    verifier = with_external(tmp_path, jwks_server.url)
    jwks_server.body = leaked.jwks
    token = leaked.token("ADMIN", exp=int(time.time()) + 3_600)
    verifier.verify(token)

    jwks_server.body = fresh.jwks
    monkeypatch.setattr(keys, "MAX_AGE_SECONDS", 0.0)
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.0)

    assert refusal(verifier, leaked.token("ADMIN")) == "invalid key id"
    monkeypatch.setattr(tokens, "time", LaterTime())
    assert refusal(verifier, token) == "invalid key id"


class LaterTime:
    """The clock when a remembered token is checked again."""

    def time(self) -> float:
        return time.time() + tokens.REMEMBER_SECONDS + 1

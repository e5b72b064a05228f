from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_kit import keys
from service_kit.errors import ServiceError
from service_kit.settings import ServiceSettings, SettingsError
from service_kit.tokens import TokenFile, TokenVerifier
from support.tokens import Authority

OURS = Authority()
NOW = int(time.time())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(scope="module")
def verifier(folder: Path) -> TokenVerifier:
    return TokenVerifier.from_settings(ServiceSettings(auth_jwks=OURS.write_jwks(folder)))


def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(ServiceError) as caught:
        verifier.verify(token)
    assert caught.value.reason == "UNAUTHENTICATED"
    return caught.value.detail.removeprefix("the token is not valid: ")


def test_a_valid_token_says_who_calls(verifier: TokenVerifier) -> None:
    caller = verifier.verify(OURS.token("ADMIN", "TENANT", sub="ada", jti="t-1", exp=NOW + 50))

    assert (caller.subject, caller.issuer, caller.token_id) == ("ada", "jobqueue", "t-1")
    assert caller.roles == {"ADMIN", "TENANT"}
    assert caller.expires_at == NOW + 50
    assert caller.email == "somebody@example.org"


def test_both_names_of_the_signature_are_accepted(folder: Path) -> None:
    authority = Authority(algorithm="Ed25519")
    verifier = TokenVerifier.from_settings(ServiceSettings(auth_jwks=authority.write_jwks(folder)))

    assert verifier.verify(authority.token("OPS")).roles == {"OPS"}


def test_roles_nobody_knows_are_left_out(verifier: TokenVerifier) -> None:
    assert verifier.verify(OURS.token("OPS", "ROOT", "")).roles == {"OPS"}


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({"exp": NOW - 31}, "expired token", id="expired"),
        pytest.param({"exp": None}, "missing claim", id="never expires"),
        pytest.param({"exp": "tomorrow"}, "invalid claim", id="expires in words"),
        pytest.param({"exp": 1e400}, "it cannot be read", id="expires never, as infinity"),
        pytest.param({"nbf": NOW + 100}, "invalid claim", id="not yet valid"),
        pytest.param({"aud": "others"}, "invalid claim", id="other audience"),
        pytest.param({"aud": None}, "missing claim", id="no audience"),
        pytest.param({"iss": "jobqueue2"}, "its issuer is not known", id="other issuer"),
        pytest.param({"iss": None}, "its issuer is not known", id="no issuer"),
        pytest.param({"sub": None}, "missing claim", id="no subject"),
        pytest.param({"sub": ""}, "invalid claim", id="empty subject"),
        pytest.param({"sub": 7}, "invalid claim", id="subject is a number"),
    ],
)
def test_claims_that_do_not_fit_are_refused(verifier: TokenVerifier, claims: dict[str, Any], why: str) -> None:
    assert refusal(verifier, OURS.token("ADMIN", **claims)) == why


@pytest.mark.parametrize(
    ("header", "why"),
    [
        pytest.param({"typ": "JWT"}, "it is not an access token", id="another kind of token"),
        pytest.param({"typ": None}, "it is not an access token", id="no kind"),
        pytest.param({"kid": "other"}, "invalid key id", id="unknown key"),
        pytest.param({"crit": ["b64"], "b64": True}, "its header has critical extensions", id="critical extension"),
    ],
)
def test_headers_that_do_not_fit_are_refused(verifier: TokenVerifier, header: dict[str, Any], why: str) -> None:
    assert refusal(verifier, OURS.token("ADMIN", header=header)) == why


def test_a_key_of_somebody_else_under_our_key_id_is_refused(verifier: TokenVerifier) -> None:
    forger = Authority()
    forger.key_id = OURS.key_id

    assert refusal(verifier, forger.token("ADMIN")) == "bad signature"


def test_an_unsigned_token_is_refused(verifier: TokenVerifier) -> None:
    _, claims, _ = OURS.token("ADMIN").split(".")
    header = encoded({"alg": "none", "typ": "at+jwt", "kid": OURS.key_id})

    assert refusal(verifier, f"{header}.{claims}.") == "unsupported algorithm"


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(verifier: TokenVerifier) -> None:
    _, claims, signature = OURS.token("ADMIN").split(".")
    header = encoded({"alg": "HS256", "typ": "at+jwt", "kid": OURS.key_id})

    assert refusal(verifier, f"{header}.{claims}.{signature}") == "unsupported algorithm"


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
HEADER_NAMES = ("alg", "typ", "kid", "crit", "jku", "jwk", "x5u", "x5c", "b64", "cty", "zip", "enc")
HEADER_VALUES = JSON | st.sampled_from(["EdDSA", "none", "HS256", "RS256", "at+jwt", OURS.key_id, ["exp"], []])
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES, max_size=6)
CLAIM_NAMES = ("iss", "aud", "sub", "exp", "nbf", "iat", "jti", "roles", "email")
CLAIM_VALUES = JSON | st.sampled_from(["jobqueue", ["jobqueue"], NOW + 60, "ADMIN"])
CLAIMS = st.dictionaries(st.sampled_from(CLAIM_NAMES), CLAIM_VALUES, max_size=9)


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode()), max_size=5).map(".".join)
)
def test_any_text_is_unauthenticated_and_nothing_else(verifier: TokenVerifier, text: str) -> None:
    refusal(verifier, text)


@settings(max_examples=150, deadline=None)
@given(HEADERS, CLAIMS, st.binary(max_size=80))
def test_any_header_and_claims_without_our_signature_are_unauthenticated(
    verifier: TokenVerifier, header: dict[str, Any], claims: dict[str, Any], signature: bytes
) -> None:
    ours = {"iss": "jobqueue", "alg": "EdDSA", "typ": "at+jwt", "kid": OURS.key_id}
    signed = base64.urlsafe_b64encode(signature).decode().rstrip("=")

    refusal(verifier, f"{encoded({**ours, **header})}.{encoded({'iss': 'jobqueue', **claims})}.{signed}")


@settings(max_examples=150, deadline=None)
@given(CLAIMS)
def test_any_claims_under_our_signature_give_a_caller_or_unauthenticated(
    verifier: TokenVerifier, claims: dict[str, Any]
) -> None:
    result: Any
    try:
        result = verifier.verify(OURS.token("ADMIN", **claims))
    except ServiceError as error:
        result = error

    assert getattr(result, "reason", "") == "UNAUTHENTICATED" or (result.subject and result.expires_at > NOW - 31)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_a_token_with_one_character_changed_is_unauthenticated(
    verifier: TokenVerifier, position: int, character: str
) -> None:
    token = OURS.token("ADMIN")
    position %= len(token) - 1  # the last character holds bits that do not count
    if token[position] != character:
        refusal(verifier, token[:position] + character + token[position + 1 :])


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
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

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
def test_an_external_issuer_is_accepted_with_the_roles_it_may_give(folder: Path, algorithm: str) -> None:
    authority = external(algorithm)
    verifier = with_external(folder, authority.write_jwks(folder))

    caller = verifier.verify(authority.token("OPS", "WORKER", "QUEUE_ADMIN", header={"typ": "JWT", "custom": 1}))

    assert caller.roles == {"OPS"}
    assert caller.issuer == "https://id.example.org"


def test_an_external_issuer_may_list_its_roles_in_a_nested_claim(folder: Path) -> None:
    authority = external("RS256")
    verifier = with_external(folder, authority.write_jwks(folder), auth_external_roles_claim="realm_access.roles")

    assert verifier.verify(authority.token(roles=None, realm_access={"roles": ["ADMIN"]})).roles == {"ADMIN"}
    assert verifier.verify(authority.token(roles=None, realm_access="ADMIN")).roles == set()


def test_an_external_issuer_cannot_speak_for_ours(folder: Path) -> None:
    authority = external("EdDSA")
    verifier = with_external(folder, authority.write_jwks(folder))

    assert refusal(verifier, authority.token("ADMIN", iss="jobqueue", aud="jobqueue")) == "invalid key id"


def test_keys_behind_a_url_are_read_once_and_again_for_a_new_key(
    folder: Path, jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.0)
    first, second = external("ES256"), external("RS256")
    verifier = with_external(folder, jwks_server.url)
    jwks_server.body = first.jwks
    verifier.verify(first.token("OPS"))
    verifier.verify(first.token("OPS"))
    assert jwks_server.asked == 1

    jwks_server.body = second.jwks

    assert verifier.verify(second.token("OPS")).roles == {"OPS"}
    assert jwks_server.asked == 2


def test_tokens_with_unknown_keys_cannot_make_us_ask_again_and_again(folder: Path, jwks_server: JwksServer) -> None:
    authority = external("ES256")
    verifier = with_external(folder, jwks_server.url)
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
    folder: Path, jwks_server: JwksServer, body: bytes
) -> None:
    jwks_server.body = body

    with pytest.raises(ServiceError) as caught:
        with_external(folder, jwks_server.url).verify(external("ES256").token("OPS"))

    assert (caught.value.reason, caught.value.retry_after_ms) == ("UNAVAILABLE", 1_000)


def test_known_keys_stay_good_when_their_source_goes_away(
    folder: Path, jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.0)
    authority = external("ES256")
    verifier = with_external(folder, jwks_server.url)
    jwks_server.body = authority.jwks
    verifier.verify(authority.token("OPS"))

    jwks_server.body = b"gone"

    assert refusal(verifier, authority.token("OPS", header={"kid": "new"})) == "invalid key id"
    assert verifier.verify(authority.token("ADMIN")).roles == {"ADMIN"}


def test_a_service_without_keys_does_not_start() -> None:
    with pytest.raises(SettingsError, match="AUTH_JWKS"):
        TokenVerifier.from_settings(ServiceSettings())


def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    token = TokenFile(str(path))
    assert token.read() == "one"

    path.write_text("two")

    assert token.read() == "two"

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_kit.errors import ServiceError
from service_kit.settings import ServiceSettings, SettingsError
from service_kit.tokens import TokenFile, TokenVerifier
from support.tokens import Authority

OURS = Authority()
TOO_LONG = "its {} is not at most 200 printable characters"
NOW = int(time.time())  # at collection; a whole run takes minutes, so nothing below may depend on seconds


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
    caller = verifier.verify(OURS.token("ADMIN", "TENANT", sub="ada", jti="t-1", exp=NOW + 3_600))

    assert (caller.subject, caller.issuer, caller.token_id) == ("ada", "jobqueue", "t-1")
    assert caller.roles == {"ADMIN", "TENANT"}
    assert caller.expires_at == NOW + 3_600
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
        pytest.param({"nbf": NOW + 36_000}, "invalid claim", id="not yet valid"),
        pytest.param({"aud": "others"}, "invalid claim", id="other audience"),
        pytest.param({"aud": None}, "missing claim", id="no audience"),
        pytest.param({"iss": "jobqueue2"}, "its issuer is not known", id="other issuer"),
        pytest.param({"iss": None}, "its issuer is not known", id="no issuer"),
        pytest.param({"sub": None}, "missing claim", id="no subject"),
        pytest.param({"sub": ""}, "invalid claim", id="empty subject"),
        pytest.param({"sub": 7}, "invalid claim", id="subject is a number"),
        pytest.param({"sub": "s" * 201}, TOO_LONG.format("subject"), id="subject is too long to be audited"),
        pytest.param({"sub": "a\0b"}, TOO_LONG.format("subject"), id="subject holds a NUL"),
        pytest.param({"jti": "t" * 201}, TOO_LONG.format("id"), id="token id is too long to be audited"),
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
CLAIM_VALUES = JSON | st.sampled_from(["jobqueue", ["jobqueue"], NOW + 3_600, "ADMIN"])
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

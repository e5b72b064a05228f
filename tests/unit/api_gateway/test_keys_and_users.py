from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import orjson
import pytest
from joserfc.jwk import OKPKey

from api_gateway.auth.signing import Signer, key_id, load_key, make_keys, published_keys
from api_gateway.auth.users import User, UsersFile
from api_gateway.settings import GatewaySettings
from service_kit.errors import ServiceError
from service_kit.settings import SettingsError
from service_kit.tokens import TokenVerifier


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def kids(jwks: Path) -> list[str]:
    return [key["kid"] for key in orjson.loads(jwks.read_bytes())["keys"]]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "signing-key.json"


@pytest.fixture
def jwks_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "jwks.json"


def test_keys_are_made_once_and_only_the_public_half_is_published(key_file: Path, jwks_file: Path) -> None:
    first = make_keys(key_file, jwks_file, rotate=False)
    again = make_keys(key_file, jwks_file, rotate=False)

    assert key_id(first) == key_id(again)
    assert kids(jwks_file) == [key_id(first)]
    assert b'"d"' not in jwks_file.read_bytes()
    assert mode(key_file) == 0o600


def test_a_lost_public_set_is_made_again(key_file: Path, jwks_file: Path) -> None:
    key = make_keys(key_file, jwks_file, rotate=False)
    jwks_file.unlink()

    make_keys(key_file, jwks_file, rotate=False)

    assert kids(jwks_file) == [key_id(key)]


def test_tokens_of_the_previous_key_stay_good_after_rotation(key_file: Path, jwks_file: Path) -> None:
    old = Signer(make_keys(key_file, jwks_file, rotate=False), "jobqueue", "jobqueue").sign("a", ["OPS"], seconds=60)
    new = Signer(make_keys(key_file, jwks_file, rotate=True), "jobqueue", "jobqueue").sign("b", ["OPS"], seconds=60)

    verifier = TokenVerifier.from_settings(GatewaySettings.model_validate({"auth_jwks": str(jwks_file)}))
    assert [verifier.verify(token).subject for token in (old, new)] == ["a", "b"]


def test_a_token_says_who_may_do_what_and_how_long(key_file: Path, jwks_file: Path) -> None:
    signer = Signer(make_keys(key_file, jwks_file, rotate=False), "jobqueue", "jobqueue")
    verifier = TokenVerifier.from_settings(GatewaySettings.model_validate({"auth_jwks": str(jwks_file)}))

    caller = verifier.verify(signer.sign("ops-1", ["OPS", "ADMIN"], seconds=900, email="ops@example.org"))

    assert (caller.subject, caller.email) == ("ops-1", "ops@example.org")
    assert caller.roles == {"OPS", "ADMIN"}
    assert caller.token_id
    assert abs(caller.expires_at - time.time() - 900) < 5


def test_a_key_in_pem_is_the_same_key(tmp_path: Path) -> None:
    key = OKPKey.generate_key("Ed25519")
    (tmp_path / "key.pem").write_bytes(key.as_pem(private=True))

    assert key_id(load_key(str(tmp_path / "key.pem"))) == key_id(key)


@pytest.mark.parametrize(
    "content", ["", "{}", "null", "[]", '{"kty":"OKP"}', "-----BEGIN PRIVATE KEY-----\nnonsense", "\x00"]
)
def test_a_file_that_holds_no_key_is_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)

    with pytest.raises(SettingsError, match=r"^GATEWAY_SIGNING_KEY_FILE: cannot be used: [^\n]*$"):
        load_key(str(tmp_path / "key"))


@pytest.mark.parametrize("kind", ["public half", "another curve", "missing"])
def test_a_key_that_cannot_sign_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key"
    if kind == "public half":
        path.write_text(orjson.dumps(OKPKey.generate_key("Ed25519").as_dict(private=False)).decode())
    elif kind == "another curve":
        path.write_text(orjson.dumps(OKPKey.generate_key("X25519").as_dict(private=True)).decode())

    with pytest.raises(SettingsError, match="GATEWAY_SIGNING_KEY_FILE"):
        load_key(str(path))


def test_a_public_set_without_our_key_is_refused(key_file: Path, jwks_file: Path) -> None:
    make_keys(key_file, jwks_file, rotate=False)
    stranger = OKPKey.generate_key("Ed25519")

    with pytest.raises(SettingsError, match="AUTH_JWKS: does not hold"):
        published_keys(stranger, str(jwks_file))
    assert published_keys(stranger, "https://example.org/jwks.json")["keys"][0]["kid"] == key_id(stranger)


def a_user(email: str = "ops@example.org", user_id: str = "1", *roles: str) -> User:
    return User(user_id, email, frozenset(roles or ("OPS",)), "hash")


def test_users_are_found_by_email_however_it_is_written_and_by_id(tmp_path: Path) -> None:
    users = UsersFile(tmp_path / "users.json")
    users.put(a_user())
    users.put(a_user("admin@example.org", "2", "ADMIN"))

    found = users.by_email("  OPS@Example.org ")

    assert found is not None
    assert found.id == "1"
    assert users.by_id("2") == a_user("admin@example.org", "2", "ADMIN")
    assert users.by_email("nobody@example.org") is None
    assert mode(tmp_path / "users.json") == 0o600


def test_a_change_of_the_file_is_seen_and_half_a_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    users, other = UsersFile(path), UsersFile(path)
    assert users.all() == ()

    other.put(a_user())
    assert [user.id for user in users.all()] == ["1"]

    path.write_text('{"users": [')
    os.utime(path, ns=(1, 1))
    assert [user.id for user in users.all()] == ["1"]

    path.unlink()
    assert users.all() == ()


def test_adding_a_known_email_replaces_it_and_removing_forgets_it(tmp_path: Path) -> None:
    users = UsersFile(tmp_path / "users.json")
    users.put(a_user())
    users.put(a_user("ops@example.org", "1", "ADMIN"))
    assert [user.roles for user in users.all()] == [{"ADMIN"}]

    assert users.remove("Ops@example.org")
    assert not users.remove("ops@example.org")
    assert users.all() == ()


def test_an_internal_role_in_the_file_is_never_given_to_a_person(tmp_path: Path) -> None:
    users = UsersFile(tmp_path / "users.json")

    users.put(a_user("ops@example.org", "1", "OPS", "QUEUE_ADMIN", "WORKER"))

    assert users.all()[0].roles == {"OPS"}


@pytest.mark.parametrize("content", ["[]", '{"users": [{}]}', "x", '{"users": 5}'])
def test_a_file_that_holds_no_users_is_one_clear_line_at_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "users.json").write_text(content)

    with pytest.raises(SettingsError, match=r"^GATEWAY_USERS_FILE: cannot be used: [^\n]*$"):
        UsersFile(tmp_path / "users.json")


def test_nobody_is_a_user_without_a_file() -> None:
    assert UsersFile(None).all() == ()
    with pytest.raises(SettingsError):
        UsersFile(None).put(a_user())


def test_a_token_signed_by_a_stranger_is_refused(key_file: Path, jwks_file: Path) -> None:
    make_keys(key_file, jwks_file, rotate=False)
    stranger = Signer(OKPKey.generate_key("Ed25519"), "jobqueue", "jobqueue")
    verifier = TokenVerifier.from_settings(GatewaySettings.model_validate({"auth_jwks": str(jwks_file)}))

    with pytest.raises(ServiceError, match="not valid"):
        verifier.verify(stranger.sign("a", ["ADMIN"], seconds=60))

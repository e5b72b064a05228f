"""Signing tokens: the one private key, and the public set that verifies what it signed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from api_gateway.files import PRIVATE, PUBLIC, write_whole
from service_kit.keys import OUR_ALGORITHMS, Signatures
from service_kit.settings import SettingsError
from service_kit.tokens import TOKEN_TYPE

ALGORITHM = OUR_ALGORITHMS[0]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs tokens of our issuer."""

    key: OKPKey
    issuer: str
    audience: str

    def sign(
        self,
        subject: str,
        roles: Collection[str],
        *,
        seconds: int,
        email: str = "",
        session: Mapping[str, Any] | None = None,
    ) -> str:
        """A token good for `seconds`. The claims of a `session` make it one that can be refreshed."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "roles": sorted(roles),
            "iat": now,
            "exp": now + seconds,
            "jti": uuid.uuid4().hex,
        }
        if email:
            claims["email"] = email
        claims |= session or {}
        header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": key_id(self.key)}
        return jwt.encode(header, claims, self.key, registry=Signatures(OUR_ALGORITHMS))


def key_id(key: OKPKey) -> str:
    """The key's RFC 7638 thumbprint: the same wherever and in whatever form it is read."""
    return key.thumbprint()


def load_key(location: str) -> OKPKey:
    """The private key in a file, JWK or PEM; raises SettingsError."""
    if not location:
        raise SettingsError("GATEWAY_SIGNING_KEY_FILE: is needed; `python -m api_gateway keys` makes one")
    try:
        text = Path(location).read_text()
        key = OKPKey.import_key(text if text.startswith("-----") else orjson.loads(text))
    except (OSError, JoseError, ValueError, TypeError, KeyError) as error:
        reason = getattr(error, "strerror", None) or "it is no Ed25519 key"
        raise SettingsError(f"GATEWAY_SIGNING_KEY_FILE: cannot be used: {reason}") from error
    if not key.is_private or key.curve_name != "Ed25519":
        raise SettingsError("GATEWAY_SIGNING_KEY_FILE: cannot be used: it is no private Ed25519 key")
    return key


def make_keys(key_file: Path, jwks_file: Path, *, rotate: bool) -> OKPKey:
    """Make the private key (or keep the one there is, unless `rotate`) and see to it that the public set has it.

    Keys already in the set stay there, so that tokens signed by the previous key remain good until they expire.
    """
    make_new = rotate or not key_file.exists()
    key = OKPKey.generate_key("Ed25519") if make_new else load_key(str(key_file))
    published = read_jwks(jwks_file) if jwks_file.exists() else {"keys": []}
    if key_id(key) not in {str(known.get("kid")) for known in published["keys"]}:
        published["keys"].insert(0, public_jwk(key))
        write_whole(jwks_file, _json(published), mode=PUBLIC)
    if make_new:  # last: nothing is signed by a key that nobody can verify
        write_whole(key_file, _json({**key.as_dict(private=True), "kid": key_id(key)}), mode=PRIVATE)
    return key


def public_jwk(key: OKPKey) -> dict[str, Any]:
    """The public half, as it stands in the set."""
    return {**key.as_dict(private=False), "kid": key_id(key), "use": "sig", "alg": ALGORITHM}


def published_keys(key: OKPKey, jwks_location: str) -> dict[str, Any]:
    """The set to publish: AUTH_JWKS when it is a file, else our key. Raises SettingsError when ours is not in it."""
    if jwks_location.startswith(("http://", "https://")):
        return {"keys": [public_jwk(key)]}
    found = read_jwks(Path(jwks_location))
    if key_id(key) not in {public["kid"] for public in found["keys"]}:
        raise SettingsError("AUTH_JWKS: does not hold the public half of GATEWAY_SIGNING_KEY_FILE; nobody could verify")
    return found


def read_jwks(path: Path) -> dict[str, Any]:
    """The set in a file, public halves only whatever the file holds; raises SettingsError."""
    try:
        keys = KeySet.import_key_set(orjson.loads(path.read_text()))
    except (OSError, JoseError, ValueError, TypeError, KeyError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON Web Key Set"
        raise SettingsError(f"AUTH_JWKS: cannot be used: {reason}") from error
    return {"keys": [{**key.as_dict(private=False), "kid": key.kid or key.thumbprint()} for key in keys.keys]}


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"

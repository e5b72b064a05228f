"""Tokens for tests: a key pair of its own, its public set in a file, and any token signed with it."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from service_kit.keys import EXTERNAL_ALGORITHMS, Signatures


class Authority:
    """Signs tokens; `jwks` is the text of its public set. `algorithm` is EdDSA, Ed25519, ES256 or RS256."""

    def __init__(self, *, issuer: str = "jobqueue", audience: str = "jobqueue", algorithm: str = "EdDSA") -> None:
        self.issuer, self.audience, self.algorithm = issuer, audience, algorithm
        self.key_id = uuid.uuid4().hex
        parameters: Any = {"kid": self.key_id}
        self._key: OKPKey | ECKey | RSAKey
        if algorithm == "RS256":
            self._key = RSAKey.generate_key(2048, parameters)
        elif algorithm == "ES256":
            self._key = ECKey.generate_key("P-256", parameters)
        else:
            self._key = OKPKey.generate_key("Ed25519", parameters)

    @property
    def jwks(self) -> bytes:
        """The public key set as JSON."""
        return orjson.dumps(KeySet([self._key]).as_dict(private=False))

    def write_jwks(self, folder: Path) -> str:
        """Put the public set into a file and return its path, as AUTH_JWKS takes it."""
        path = folder / f"jwks-{self.key_id}.json"
        path.write_bytes(self.jwks)
        return str(path)

    def token(self, *roles: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token with `roles`, valid for a minute; `claims` and `header` replace what is usual, None removes it."""
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "somebody",
            "email": "somebody@example.org",
            "roles": list(roles),
            "iat": now,
            "exp": now + 60,
            "jti": uuid.uuid4().hex,
        }
        merged = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        head = {"alg": self.algorithm, "kid": self.key_id, "typ": "at+jwt", **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, merged, self._key, registry=Signatures(EXTERNAL_ALGORITHMS), default_type=None)

    def write_token(self, folder: Path, *roles: str, **claims: Any) -> str:
        """Put such a token into a file and return its path, as SERVICE_TOKEN_FILE takes it."""
        path = folder / f"token-{uuid.uuid4().hex}"
        path.write_text(self.token(*roles, **claims))
        return str(path)

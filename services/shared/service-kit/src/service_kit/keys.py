"""The public keys of an issuer, and the signature algorithms we accept."""

from __future__ import annotations

import copy
import http.client
import threading
import time
import urllib.request
from pathlib import Path

import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from service_kit.errors import ServiceError

log = structlog.get_logger()
REFRESH_SECONDS = 30.0  # an unknown key id asks for the set again, at most this often
MAX_AGE_SECONDS = 300.0  # and at this age in any case, so that a key taken out of the set stops counting
RETRY_SECONDS = 1.0  # the same while no set could be read at all
READ_TIMEOUT_SECONDS = 2.0  # below every call's deadline
MOST_BYTES = 1_000_000
OUR_ALGORITHMS = ("EdDSA", "Ed25519")  # the name every library knows, and the one RFC 9864 gives the same signature
EXTERNAL_ALGORITHMS = (*OUR_ALGORITHMS, "ES256", "RS256")


# joserfc warns at each use of the name EdDSA, which RFC 9864 deprecates; issuers in the field know only this one.
_EDDSA = copy.copy(JWSRegistry.algorithms["EdDSA"])
_EDDSA.security_warning = None


class Signatures(JWSRegistry):
    """joserfc's registry for `encode` and `decode`: the algorithms given and no other; unknown headers are ignored."""

    def __init__(self, algorithms: tuple[str, ...] = OUR_ALGORITHMS) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)
        self.algorithms = {**JWSRegistry.algorithms, "EdDSA": _EDDSA}


class KeySource:
    """The key set at a file or an http(s) URL, read again for an unknown key id and every five minutes. Thread-safe."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._read_at = float("-inf")

    def keys_for(self, key_id: str | None) -> KeySet:
        """The key set; raises ServiceError UNAVAILABLE while it never could be read."""
        known = _holds(self._keys, key_id)
        # Whoever finds its key at hand does not wait for somebody else who reads.
        if (not known or self._is_old()) and self._lock.acquire(blocking=not known):
            try:
                if not _holds(self._keys, key_id) or self._is_old():
                    self._refresh()
            finally:
                self._lock.release()
        if self._keys is None:
            raise ServiceError("UNAVAILABLE", "the keys that verify tokens cannot be read", retry_after_ms=1_000)
        return self._keys

    def _is_old(self) -> bool:
        return time.monotonic() - self._read_at > MAX_AGE_SECONDS

    def _refresh(self) -> None:
        pause = RETRY_SECONDS if self._keys is None else REFRESH_SECONDS
        if time.monotonic() - self._read_at < pause:
            return
        try:
            self._keys = KeySet.import_key_set(orjson.loads(self._read()))
        except (OSError, http.client.HTTPException, JoseError, ValueError, TypeError, KeyError) as error:
            # Keys read earlier stay good; only tokens of a new key have to wait.
            log.warning("token_keys_unreadable", location=self._location, error=f"{type(error).__name__}: {error}")
        finally:
            self._read_at = time.monotonic()

    def _read(self) -> bytes:
        if not self._location.startswith(("http://", "https://")):
            return Path(self._location).read_bytes()
        with urllib.request.urlopen(self._location, timeout=READ_TIMEOUT_SECONDS) as answer:  # noqa: S310 - see above
            return bytes(answer.read(MOST_BYTES))


def _holds(keys: KeySet | None, key_id: str | None) -> bool:
    if keys is None:
        return False
    return any(key.kid == key_id for key in keys.keys) or (key_id is None and len(keys.keys) == 1)

"""How a call is made: with the token of the day, a deadline, and further tries while the job queue is away."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import grpc

from jobqueue_client.errors import JobQueueError, from_rpc_error

Response = TypeVar("Response")
WORTH_ANOTHER_TRY = frozenset({"UNAVAILABLE", "DEADLINE"})
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
TRY_SECONDS = 3.0  # of one try; less than the whole, so that a connection that went silent leaves time for another


class Token:
    """The service's own token, read again whenever its file changes."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._seen: tuple[int, str] | None = None

    def read(self) -> str:
        """The token now, the last one while the file cannot be read. Raises JobQueueError when there never was one."""
        with self._lock:
            try:
                changed = self._path.stat().st_mtime_ns
                if self._seen is None or self._seen[0] != changed:
                    self._seen = (changed, self._path.read_text().strip())
            except OSError as error:
                if self._seen is None:
                    raise JobQueueError("UNAUTHENTICATED", f"the token file {self._path} cannot be read") from error
            return self._seen[1]


class Caller:
    """Makes calls that are safe to repeat, which all of ours are once a job's id and the request's own are fixed."""

    def __init__(self, token: Token, *, timeout_seconds: float) -> None:
        self._token, self._timeout = token, timeout_seconds

    def call(self, method: Callable[..., Response], request: object, *, may_repeat: bool = True) -> Response:
        """The answer of a stub's method. Raises JobQueueError: UNAVAILABLE or DEADLINE only after the whole time.

        With `may_repeat` False it is tried once.
        """
        give_up_at = time.monotonic() + self._timeout
        request_id = uuid.uuid4().hex  # by which a replacement whose answer was lost is known again
        tries = 0
        while True:
            try:
                return method(
                    request,
                    timeout=max(0.05, min(TRY_SECONDS, give_up_at - time.monotonic())),
                    metadata=(("authorization", f"Bearer {self._token.read()}"), ("x-request-id", request_id)),
                )
            except grpc.RpcError as error:
                refusal = from_rpc_error(error)
                pause = _pause(tries, refusal)
                if not may_repeat or refusal.reason not in WORTH_ANOTHER_TRY or time.monotonic() + pause >= give_up_at:
                    raise refusal from error
            tries += 1
            time.sleep(pause)


def _pause(tries: int, refusal: JobQueueError) -> float:
    """Seconds before the next try: longer each time, at least what the service asked for, never over the longest."""
    longest: float = min(FIRST_PAUSE_SECONDS * 2**tries, LONGEST_PAUSE_SECONDS)
    asked = min(refusal.retry_after_seconds or 0, LONGEST_PAUSE_SECONDS)
    return max(longest * random.uniform(0.5, 1), asked)  # noqa: S311 - spreads load, guards nothing

"""Calls to the gateway: REST with the caller's token, refusals as exceptions."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote, urlsplit

import click
import httpx

from jobsctl.refusals import Exit, Refused, from_problem
from jobsctl.session import RENEW_SECONDS, StoredSession, no_token, read_session, read_token_file, write_session

LOCAL = {"127.0.0.1", "::1", "localhost"}
TRIES, PAUSE_SECONDS = 5, 1.0


def path(*segments: str) -> str:
    """`/jobs/...` with each segment quoted: an id may hold anything."""
    return "/jobs/" + "/".join(quote(segment, safe="") for segment in segments)


class Gateway:
    """Calls as one caller. Every method raises Refused."""

    def __init__(self, url: str, *, token_file: str | None, timeout_seconds: float) -> None:
        self.url = url.rstrip("/")
        self._token_file = token_file
        self._client = httpx.Client(timeout=timeout_seconds, headers={"user-agent": "jobsctl"})

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def get(self, path_: str, **query: object) -> Any:
        """What is there; a query of None is left out."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self._call("GET", path_, params=given)

    def post(self, path_: str, body: dict[str, Any] | None = None) -> Any:
        """The answer; a member of None is left out."""
        return self._call("POST", path_, json=_given(body or {}))

    def put(self, path_: str, body: dict[str, Any]) -> Any:
        """As post."""
        return self._call("PUT", path_, json=_given(body))

    def post_until_answered(self, path_: str, body: dict[str, Any]) -> Any:
        """As post, for a call that may be repeated: again while the other side is away or busy."""
        for left in reversed(range(TRIES)):
            try:
                return self.post(path_, body)
            except Refused as refusal:
                if not refusal.may_pass or not left:
                    raise
                time.sleep(refusal.retry_after or PAUSE_SECONDS)
        raise AssertionError

    def login(self, email: str, password: str) -> dict[str, Any]:
        """Open a session and keep it; who it is."""
        self._warn_in_clear()
        answer = self._send("POST", "/auth/login", {}, json={"email": email, "password": password})
        write_session(StoredSession(self.url, answer["accessToken"]))
        return dict(answer["user"])

    def _call(self, verb: str, path_: str, **more: Any) -> Any:
        return self._send(verb, path_, {"authorization": f"Bearer {self._token()}"}, **more)

    def _token(self) -> str:
        if self._token_file:
            self._warn_in_clear()
            return read_token_file(self._token_file)
        session = read_session()
        if session is None or session.url != self.url:
            raise no_token()
        if 0 < session.seconds_left < RENEW_SECONDS:
            answer = self._send("POST", "/auth/refresh", {"authorization": f"Bearer {session.token}"})
            session = StoredSession(self.url, answer["accessToken"])
            write_session(session)
        if session.seconds_left <= 0:
            raise Refused("UNAUTHENTICATED", "the session has ended; log in again", exit_code=Exit.NOT_ALLOWED)
        return session.token

    def _send(self, verb: str, path_: str, headers: dict[str, str], **more: Any) -> Any:
        try:
            answer = self._client.request(verb, self.url + path_, headers=headers, **more)
        except httpx.TimeoutException as error:
            detail = f"{self.url} did not answer in time; whether the call had an effect is not known"
            raise Refused("DEADLINE", detail, exit_code=Exit.UNAVAILABLE) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Refused(
                "UNAVAILABLE", f"{self.url} cannot be reached: {error}", exit_code=Exit.UNAVAILABLE
            ) from error
        document = _document(answer)
        if not answer.is_success:
            problem = document if isinstance(document, dict) else {"detail": f"HTTP {answer.status_code}"}
            raise from_problem(answer.status_code, problem, answer.headers.get("retry-after"))
        if document is None:
            raise Refused("NO_GATEWAY", f"{self.url} answers, but not as the gateway does", exit_code=Exit.ERROR)
        return document

    def _warn_in_clear(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            click.echo("warning: the token goes unencrypted over http", err=True)


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _document(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None

"""The REST gateway as one of the local users sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

SECONDS = 10.0
PAGE_SIZE = 100


class CallFailed(Exception):
    """A call was not answered as the demo needs it."""


class Rest:
    """A session of one user. Raises CallFailed, also when the gateway cannot be reached."""

    def __init__(self, url: str, *, email: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=SECONDS)
        answer = self._call("POST", "/auth/login", json={"email": email, "password": password})
        self._client.headers["authorization"] = f"Bearer {answer.json()['accessToken']}"

    def close(self) -> None:
        """End it."""
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON."""
        return self._call("GET", path, params=query).json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer's JSON."""
        return self._call("POST", path, json=body).json()

    def status_of(self, path: str) -> int:
        """The answer's HTTP status, whatever it is."""
        return self._client.get(path).status_code

    def enqueue(self, queue: str, name: str, data: Mapping[str, Any], **opts: Any) -> Any:
        """Hand over a job."""
        return self.post(f"/jobs/queues/{queue}", {"name": name, "data": data, **({"opts": opts} if opts else {})})

    def jobs(self, queue: str, status: str, *, containing: str, since_ms: int) -> list[dict[str, Any]]:
        """The queue's jobs of a status whose id contains a text, none of which was enqueued before `since_ms`."""
        pages = self._pages(f"/jobs/queues/{queue}", "jobs", status=status)
        found: list[dict[str, Any]] = []
        for page in pages:
            found += [job for job in page if containing in job["id"]]
            if status in {"completed", "failed"} and all(job["finishedOn"] < since_ms for job in page):
                break  # newest first: older ones follow
        return found

    def _pages(self, path: str, items: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
        number, of = 1, 1
        while number <= of:
            answer = self.get(path, page=number, pageSize=PAGE_SIZE, **query)
            of = answer["pagination"]["totalPages"]
            yield answer[items]
            number += 1

    def _call(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **what)
        except httpx.HTTPError as error:
            raise CallFailed(f"{method} {path}: {str(error) or type(error).__name__}") from error
        if not answer.is_success:
            raise CallFailed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer

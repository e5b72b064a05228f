"""Whether the workers have told queue-admin what they can run; before that it refuses their jobs as unknown."""

from __future__ import annotations

import time
from collections.abc import Iterable

import httpx

WAIT_SECONDS = 15.0  # a worker whose first attempt fails tries again every few seconds
REQUEST_SECONDS = 5.0


class WorkersMissing(Exception):
    """A queue has no worker although the worker's process runs."""


def wait_for_workers(gateway: str, *, email: str, password: str, queues: Iterable[str]) -> None:
    """Return once a reachable worker serves each queue; raises WorkersMissing."""
    deadline = time.monotonic() + WAIT_SECONDS
    with httpx.Client(base_url=gateway, timeout=REQUEST_SECONDS, trust_env=False) as client:
        login = client.post("/auth/login", json={"email": email, "password": password}).raise_for_status()
        client.headers["authorization"] = f"Bearer {login.json()['accessToken']}"
        while missing := set(queues) - _served(client):
            if time.monotonic() > deadline:
                raise WorkersMissing(f"no worker registered for {', '.join(sorted(missing))}: see the workers' logs")
            time.sleep(0.1)


def _served(client: httpx.Client) -> set[str]:
    answer = client.get("/jobs/workers")
    if answer.status_code != httpx.codes.OK:
        return set()
    return {queue for worker in answer.json() if worker.get("reachable") for queue in worker["queues"]}

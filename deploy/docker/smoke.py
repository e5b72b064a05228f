"""Does a running stack work as a whole? One job from REST to the mailbox, one cancelled and found in the audit log.

Ends with 0 when all of it was seen, else with 1 and what was missing. Needs the standard library only.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

WITHIN_SECONDS = 60.0
PAUSE_SECONDS = 0.5
CALL_SECONDS = 10.0


class Missing(Exception):
    """Something that a working stack shows was not seen in time."""


class Rest:
    """Calls of the gateway, with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON; raises OSError (an HTTP error is one) when it is refused or nobody answers."""
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self._token}", "content-type": "application/json"},
        )
        return read(request)


def read(request: urllib.request.Request | str) -> Any:
    """JSON at an address."""
    with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:  # noqa: S310 - the operator's own
        return json.loads(answer.read())


def wait_for(what: str, seen: Callable[[], Any]) -> Any:
    """What `seen` returns once it is true; raises Missing with the last problem."""
    give_up_at = time.monotonic() + WITHIN_SECONDS
    problem = "it was not there"
    while time.monotonic() < give_up_at:
        try:
            if found := seen():
                print(f"seen: {what}", flush=True)
                return found
        except OSError as error:
            problem = error.read(500).decode() if isinstance(error, urllib.error.HTTPError) else str(error)
        time.sleep(PAUSE_SECONDS)
    raise Missing(f"{what}, within {WITHIN_SECONDS:.0f} s: {problem}")


def check(rest: Rest, sink: str) -> None:
    """Raises Missing."""
    mark = uuid.uuid4().hex[:12]
    wait_for("the gateway with everything behind it up", lambda: rest.call("GET", "/health")["status"] == "ok")
    data = {
        "ticketId": mark,
        "propertyId": "property-hill-1",
        "createdById": "user-tom",
        "landlordId": "landlord-hillside",
    }
    wait_for(
        "a job handed over (its type is known once a worker has registered)",
        lambda: rest.call("POST", "/jobs/queues/tickets", {"name": "ticket.created", "data": data}),
    )
    job = f"/jobs/queues/tickets/ticket-created-{mark}"
    wait_for("the job completed", lambda: rest.call("GET", job)["status"] == "completed")
    wait_for("its message in the mailbox", lambda: read(f"{sink}/messages?containing={mark}"))
    data["ticketId"] = f"{mark}-later"
    later = {"name": "ticket.created", "data": data, "opts": {"delay": 600_000}}
    wait_for("a job for later handed over", lambda: rest.call("POST", "/jobs/queues/tickets", later))
    wait_for("it cancelled", lambda: rest.call("POST", f"{job}-later/cancel", {"reason": "smoke test"})["success"])
    audit = f"/jobs/audit?queue=tickets&jobId=ticket-created-{mark}-later"
    wait_for("the cancel in the audit log", lambda: rest.call("GET", audit)["data"])


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", required=True, help="http://host:port")
    parser.add_argument("--sink", required=True, help="http://host:port of the sink's page")
    parser.add_argument("--token-file", type=Path, required=True, help="a token with role OPS")
    given = parser.parse_args()
    try:
        check(Rest(given.gateway, given.token_file.read_text().strip()), given.sink)
    except (Missing, OSError) as problem:
        print(f"missing: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

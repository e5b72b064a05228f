"""Jobs for the tests, made and looked at over REST."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import psycopg

from fixtures.stack import RunningStack
from support.waiting import wait_until

SECONDS = 15.0
FAR_AWAY_MS = 6 * 3_600_000


class Jobs:
    """What an operator (`client`) and a backend can do without a browser."""

    def __init__(self, stack: RunningStack, client: httpx.Client, backend: httpx.Client) -> None:
        self._stack, self.client, self.backend = stack, client, backend

    def enqueue(self, queue: str, name: str, data: dict[str, Any], **opts: Any) -> str:
        """A job; its id."""
        body = {"name": name, "data": data, "opts": opts}
        answer = self.backend.post(f"/jobs/queues/{queue}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    def get(self, queue: str, job_id: str) -> dict[str, Any]:
        """A job as REST shows it."""
        answer = self.client.get(f"/jobs/queues/{queue}/{job_id}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def status(self, queue: str, job_id: str) -> str:
        """Its status, `gone` when there is none."""
        answer = self.client.get(f"/jobs/queues/{queue}/{job_id}")
        return str(answer.json()["status"]) if answer.status_code == 200 else "gone"

    def dead(self, *, recipient: str = "", job_id: str = "", **data: Any) -> str:
        """A notification that died because the platform does not know its recipient."""
        recipient = recipient or f"nobody-{unique()}"
        payload = {"type": "email", "recipientId": recipient, "message": "hello", **data}
        found = self.enqueue("notifications", "send-notification", payload, jobId=job_id or unique("dead"))
        wait_until(lambda: self.status("notifications", found) == "failed", within=SECONDS)
        return found

    def delayed(self, job_id: str = "") -> str:
        """A ticket job due in some hours; harmless when it runs."""
        data = {"ticketId": unique("t"), "propertyId": "p", "createdById": "user-tom", "landlordId": "landlord-nobody"}
        return self.enqueue("tickets", "ticket.created", data, jobId=job_id or unique("later"), delay=FAR_AWAY_MS)

    def schedule(self) -> str:
        """A schedule of notifications to nobody whose day comes once in four years."""
        schedule_id = unique("rarely")
        data = {"type": "email", "recipientId": "nobody-at-all", "message": "of {date}"}
        body = {"name": "send-notification", "data": data, "cron": "0 3 29 2 *", "timeZone": "Europe/Berlin"}
        self.client.put(schedule_path(schedule_id), json=body).raise_for_status()
        return schedule_id

    def add_user(self, user_id: str) -> None:
        """The platform gets to know somebody, so that their notifications can be delivered."""
        with psycopg.connect(self._stack.database_url, autocommit=True) as database:
            database.execute(
                "INSERT INTO platform.users (user_id, name, email) VALUES (%s, %s, %s)",
                (user_id, "Nina New", f"{user_id}@mail.example"),
            )

    def audit(self, job_id: str) -> list[dict[str, Any]]:
        """The audit records of a job, newest first."""
        found: list[dict[str, Any]] = self.client.get("/jobs/audit", params={"jobId": job_id}).json()["data"]
        return found

    def audited(self, job_id: str, action: str) -> dict[str, Any]:
        """The one record of an action, once it has arrived."""
        records = wait_until(
            lambda: [record for record in self.audit(job_id) if record["action"] == action], within=SECONDS
        )
        assert len(records) == 1
        return records[0]


def unique(prefix: str = "x") -> str:
    """An id nobody else uses; with a letter and a digit it is hexadecimal to the error groups, and all share one."""
    return f"{prefix}-a0{uuid.uuid4().hex[:8]}"


def schedule_path(schedule_id: str) -> str:
    """Where REST has a schedule of notifications."""
    return f"/jobs/schedules/notifications/{schedule_id}"

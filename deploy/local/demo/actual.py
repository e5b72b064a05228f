"""How the working day came out, asked of REST, the sink and the platform's tickets."""

from __future__ import annotations

from typing import Any

import httpx

from local.demo.day import WorkingDay
from local.demo.rest import Rest

TO_DO = ("waiting", "active", "delayed")
OUTBOX_SECONDS = 10.0


class Observer:
    """Looks at one run: at the jobs, messages and records that carry its mark."""

    def __init__(self, day: WorkingDay, *, ops: Rest, tenant: Rest, sink_url: str, since_ms: int) -> None:
        self._day, self._mark = day, day.names.mark
        self._ops, self._tenant, self._sink_url, self._since_ms = ops, tenant, sink_url, since_ms

    def all_lines(self) -> dict[str, object]:
        """A value for each line of EXPECTED."""
        return {
            **self.job_lines(),
            **self._ticket_lines(),
            **self._sink_lines(),
            **self._audit_lines(),
            "a repeated call makes a second job": self._day.repeat_created,
            "a tenant asking for the queues is answered": self._tenant.status_of("/jobs/queues"),
        }

    def job_lines(self) -> dict[str, object]:
        """Those about jobs and dead letters."""
        delivered = self._jobs("notifications", "completed")
        dead = self._jobs("dead-letter", "failed")
        return {
            "tickets: completed": len(self._jobs("tickets", "completed")),
            "tickets: cancelled": sum(job["cancelled"] for job in self._jobs("tickets", "failed")),
            "tickets: still to do": self.to_do("tickets"),
            "notifications: completed": len(delivered),
            "notifications: dead": sum(job["dead"] for job in self._jobs("notifications", "failed")),
            "notifications: still to do": self.to_do("notifications"),
            "dead-letter: entries": len(dead),
            "dead-letter: refused by the provider": sum("refused" in job["failedReason"] for job in dead),
            "notifications: skipped for want of an address": sum(self._skipped(job) for job in delivered),
        }

    def dead_letters(self) -> int:
        """Entries of this run in the dead-letter view."""
        return len(self._jobs("dead-letter", "failed"))

    def to_do(self, queue: str) -> int:
        """Jobs of this run that have not ended."""
        return sum(len(self._jobs(queue, status)) for status in TO_DO)

    def done(self, queue: str) -> int:
        """Jobs of this run that completed."""
        return len(self._jobs(queue, "completed"))

    def audit_rows(self) -> list[dict[str, Any]]:
        """Records about this run's jobs."""
        rows = self._ops.get("/jobs/audit", **{"from": self._since_ms, "pageSize": 100})["data"]
        return [row for row in rows if self._mark in row["jobId"]]

    def _ticket_lines(self) -> dict[str, object]:
        tickets = {what: (status, priority) for what, status, priority in self._day.tickets()}
        early = 0
        for ticket, at in self._day.starts.items():
            job = self._ops.get(f"/jobs/queues/tickets/appointment-start-{self._day.appointment(ticket)}")
            early += job["processedOn"] < int(at.timestamp() * 1000)
        return {
            "visit of Tom: ticket": tickets["ticket-1"][0],
            "visit of Tina, moved: ticket": tickets["ticket-2"][0],
            "visits begun before their time": early,
            "lamp after one escalation: priority": tickets["ticket-4"][1],
        }

    def _sink_lines(self) -> dict[str, object]:
        query = {"containing": self._mark}
        messages = httpx.get(f"{self._sink_url}/messages", params=query, timeout=OUTBOX_SECONDS).json()
        by = [message["channel"] for message in messages]
        keys = {(message["channel"], message["key"]) for message in messages}
        return {
            "sink: e-mails": by.count("email"),
            "sink: text messages": by.count("sms"),
            "sink: push messages": by.count("push"),
            "sink: messages sent twice": len(messages) - len(keys) + sum(message["repeats"] for message in messages),
        }

    def _audit_lines(self) -> dict[str, object]:
        actions = [row["action"] for row in self.audit_rows()]
        return {
            "audit: retries by OPS": actions.count("retry"),
            "audit: cancels by OPS": actions.count("cancel"),
            "audit: other rows": len([action for action in actions if action not in {"retry", "cancel"}]),
        }

    def _skipped(self, job: dict[str, Any]) -> bool:
        # Only text messages can be skipped here, and there are few: each is asked for what its handler returned.
        if job["data"]["type"] != "sms":
            return False
        answer = self._ops.get(f"/jobs/queues/notifications/{job['id']}")
        return bool(answer["returnvalue"]["outcome"] == "skipped")

    def _jobs(self, queue: str, status: str) -> list[dict[str, Any]]:
        return self._ops.jobs(queue, status, containing=self._mark, since_ms=self._since_ms)

"""Fills a running stack with what a month at work leaves behind, so that every page has something to show."""

from __future__ import annotations

import time
from typing import Any

import httpx

from fixtures.stack import RunningStack
from local import demo
from queue_engine.domain.job import NewJob
from queue_engine.engine import QueueEngine
from support.waiting import wait_until

TENANTS = ("user-tom", "user-tina", "user-carl")
SECONDS = 60.0
RENTS, REFUSED, UNKNOWN = 72, 11, 9
HOUR_MS = 3_600_000


class Life:
    """What backend and operators do to a stack; `reports` needs a worker with the long jobs."""

    def __init__(self, stack: RunningStack, backend: httpx.Client, ops: httpx.Client, admin: httpx.Client) -> None:
        self.stack, self.backend, self.ops, self.admin = stack, backend, ops, admin

    def fill(self) -> None:
        """All of it."""
        self.reports()
        self.rents()
        demo.run(self.stack.url, self.stack.sink_url, self.stack.stack.credentials.passwords(), self.stack.database_url)
        self.reminders()
        self.invoices()
        self.schedules()
        self.decisions()

    def rents(self) -> None:
        """Rent notices: most are delivered, some addresses are refused, some tenants are unknown."""
        for number in range(RENTS + REFUSED + UNKNOWN):
            recipient = TENANTS[number % len(TENANTS)]
            if number % 8 == 2 and number // 8 < REFUSED:
                recipient = "user-cora"
            elif number % 10 == 7 and number // 10 < UNKNOWN:
                recipient = f"tenant-{4711 + number}"
            channel = "email" if recipient != "user-tom" else "push"
            self.enqueue(
                "notifications",
                "send-notification",
                {
                    "type": channel,
                    "recipientId": recipient,
                    "subject": "Rent is due",
                    "message": f"Your rent of {700 + number} is due on the first.",
                    "metadata": {"cause": "rent", "month": "2026-12", "amounts": {"rent": 700 + number, "heating": 85}},
                },
                jobId=f"rent-2026-12-{number:03}",
            )
        wait_until(lambda: self.count("notifications", "waiting") == 0, within=SECONDS)
        wait_until(lambda: self.count("notifications", "active") == 0, within=SECONDS)

    def reports(self) -> None:
        """Reports: done, running and waiting ones, and a bank that does not answer."""
        for month in ("08", "09", "10"):
            self.enqueue("reports", "report.monthly", {"month": f"2026-{month}", "properties": 12})
        for account in ("hillside-main", "hillside-deposits"):
            self.enqueue("reports", "bank.import", {"account": account}, jobId=f"bank-{account}")
        wait_until(lambda: self.count("reports", "delayed") == 2, within=SECONDS)
        wait_until(lambda: self.count("reports", "completed") == 3, within=SECONDS)
        for number, landlord in enumerate(("hillside", "dale", "riverside", "old-mill", "station", "harbour")):
            data = {"month": f"2026-11-{landlord}", "properties": 40 - 9 * (number % 3), "seconds": 1_500}
            self.enqueue("reports", "report.monthly", data)

    def reminders(self) -> None:
        """Reminders of visits that are hours and days away."""
        for number in range(14):
            at = round(time.time() * 1_000) + (number * 7 + 2) * HOUR_MS
            stamp = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(at / 1_000))
            data = {"appointmentId": f"visit-{2040 + number}", "reminderType": "24h", "remindAt": stamp}
            self.enqueue("tickets", "appointment.reminder", data)

    def invoices(self) -> None:
        """A queue that nobody consumes, and that somebody paused."""
        engine = QueueEngine.connect(self.stack.redis_url)
        data = b'{"invoice": 1, "amount": 480.5}'
        engine.enqueue_jobs("invoices", [NewJob(f"invoice-{n}", "invoice.send", data) for n in range(8_001, 8_024)])
        engine.close()
        self.act("/jobs/queues/invoices/pause", "the bookkeeping moves to another server until Monday")

    def schedules(self) -> None:
        """Reports of each night and week, one of them paused."""
        for schedule, cron in (("each-night", "30 2 * * *"), ("each-monday", "0 6 * * 1"), ("old-mill", "0 7 1 * *")):
            what = {"name": "report.monthly", "data": {"month": "{date}", "properties": 12}, "cron": cron}
            zone = {"timeZone": "Europe/Berlin", "reason": "agreed with the bookkeeping"}
            self.admin.put(f"/jobs/schedules/reports/{schedule}", json=what | zone).raise_for_status()
        self.admin.post("/jobs/schedules/reports/each-night/run").raise_for_status()
        paused = self.admin.post("/jobs/schedules/reports/old-mill/pause", json={"reason": "sold in October"})
        paused.raise_for_status()

    def decisions(self) -> None:
        """What operators did about it."""
        self.act("/jobs/queues/notifications/rent-2026-12-002/retry", "Cora says her mailbox works again")
        self.act("/jobs/queues/notifications/rent-2026-12-017/remove", "this tenant moved out in June")
        self.act("/jobs/queues/tickets/appointment-reminder-visit-2044-24h/cancel", "the visit was called off")

    def enqueue(self, queue: str, name: str, data: dict[str, Any], **opts: Any) -> str:
        """A job; its id."""
        answer = self.backend.post(f"/jobs/queues/{queue}", json={"name": name, "data": data, "opts": opts})
        answer.raise_for_status()
        return str(answer.json()["id"])

    def act(self, path: str, reason: str) -> None:
        """An operator's call."""
        self.ops.post(path, json={"reason": reason}).raise_for_status()

    def count(self, queue: str, status: str) -> int:
        """How many jobs of a queue are in a status."""
        return next((q[status] for q in self.ops.get("/jobs/queues").json() if q["name"] == queue), 0)

"""PostgreSQL is stopped: operators go on, and what they did is in the audit log once it is back."""

from __future__ import annotations

import uuid

import httpx

from fixtures.stack import RunningStack
from support.waiting import wait_until


def test_actions_go_on_while_the_database_is_away_and_are_audited_once_afterwards(fault_stack: RunningStack) -> None:
    job_id = f"outage-{uuid.uuid4().hex[:12]}"
    data = {"appointmentId": "a1", "ticketId": "t1", "startAt": "2100-01-01T00:00:00Z"}
    body = {"name": "appointment.start", "data": data, "opts": {"jobId": job_id}}
    with fault_stack.client() as ops, fault_stack.client("service@local") as service:
        service.post("/jobs/queues/tickets", json=body).raise_for_status()
        fault_stack.stop("postgres")
        wait_until(lambda: httpx.get(f"{fault_stack.url}/health").json()["status"] == "degraded", within=10)
        assert ops.post(f"/jobs/queues/tickets/{job_id}/cancel", json={"reason": "r1"}).status_code == 200
        assert ops.post(f"/jobs/queues/tickets/{job_id}/retry", json={"reason": "r2"}).status_code == 200
        away = ops.get("/jobs/audit")
        assert away.status_code == 503
        assert "retry-after" in away.headers

        fault_stack.start("postgres")

        def audited() -> list[tuple[str, str]]:
            answer = ops.get("/jobs/audit", params={"jobId": job_id})
            entries = answer.json()["data"] if answer.is_success else []
            return [(entry["action"], entry["reason"]) for entry in reversed(entries)]

        wait_until(lambda: audited() == [("cancel", "r1"), ("retry", "r2")], within=30)
        wait_until(lambda: httpx.get(f"{fault_stack.url}/health").json()["status"] == "ok", within=10)
        assert audited() == [("cancel", "r1"), ("retry", "r2")]

"""What the ids in logs and records are for: following one thing that somebody did through all the processes."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import orjson

from fixtures.stack import RunningStack
from support.waiting import wait_until

REFUSED = "user-cora"  # her address is at refused.example, which the local provider refuses


def logged(stack: RunningStack, service: str, **fields: object) -> list[dict[str, Any]]:
    """Lines of a service's log that hold these fields, in order."""
    lines = (orjson.loads(line) for line in stack.log(service).splitlines() if line.startswith("{"))
    return [line for line in lines if all(line.get(name) == value for name, value in fields.items())]


def a_dead_notification(client: httpx.Client) -> str:
    job_id = f"to-cora-{uuid.uuid4().hex[:12]}"
    data = {"type": "email", "recipientId": REFUSED, "subject": "Hello", "message": "Will be refused"}
    body = {"name": "send-notification", "data": data, "opts": {"jobId": job_id}}
    client.post("/jobs/queues/notifications", json=body).raise_for_status()
    wait_until(lambda: client.get(f"/jobs/queues/notifications/{job_id}").json()["status"] == "failed", within=15)
    return job_id


def test_a_retry_is_followed_by_its_request_id_to_the_audit_record_and_by_the_job_id_to_the_worker(
    stack: RunningStack,
) -> None:
    request_id = f"follow-{uuid.uuid4().hex[:12]}"
    with stack.client() as ops:
        job_id = a_dead_notification(ops)
        tried_before = len(logged(stack, "worker-notifications", job_id=job_id))
        path = f"/jobs/queues/notifications/{job_id}/retry"
        answer = ops.post(path, json={"reason": "she moved"}, headers={"x-request-id": request_id})
        assert answer.headers["x-request-id"] == request_id
        asked = {"requestId": request_id}
        wait_until(lambda: ops.get("/jobs/audit", params=asked).json()["pagination"]["total"] == 1, within=15)
        [record] = ops.get("/jobs/audit", params=asked).json()["data"]

    [front] = logged(stack, "api-gateway", request_id=request_id)
    [admin] = logged(stack, "queue-admin", request_id=request_id)
    tried = wait_until(lambda: logged(stack, "worker-notifications", job_id=job_id)[tried_before:], within=15)

    assert (front["event"], front["status"]) == ("http_request", 200)
    assert (admin["event"], admin["actor"], admin["queue"], admin["job_id"]) == (
        "action_asked_for",
        "ops",
        "notifications",
        job_id,
    )
    assert admin["event_id"] == record["eventId"]
    assert (record["requestId"], record["action"], record["jobId"]) == (request_id, "retry", job_id)
    assert (record["actorUserId"], record["reason"]) == ("ops", "she moved")
    assert {(line["queue"], line["attempt"]) for line in tried} == {("notifications", 1)}

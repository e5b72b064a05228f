"""What operations people do over REST: see why a job died, repair it, and find it all in the audit log."""

from __future__ import annotations

import uuid

import httpx
import pytest

from fixtures.stack import RunningStack
from support.waiting import wait_until

REFUSED = "user-cora"  # her address is at refused.example, which the local provider refuses


def a_dead_notification(client: httpx.Client) -> str:
    job_id = f"to-cora-{uuid.uuid4().hex[:12]}"
    data = {"type": "email", "recipientId": REFUSED, "subject": "Hello", "message": "Will be refused"}
    client.post(
        "/jobs/queues/notifications", json={"name": "send-notification", "data": data, "opts": {"jobId": job_id}}
    ).raise_for_status()
    wait_until(lambda: client.get(f"/jobs/queues/notifications/{job_id}").json()["status"] == "failed", within=15)
    return job_id


def test_a_refused_recipient_ends_dead_in_its_own_queue_and_in_the_dead_letter_view(stack: RunningStack) -> None:
    with stack.client() as ops:
        job_id = a_dead_notification(ops)
        job = ops.get(f"/jobs/queues/notifications/{job_id}").json()
        entry = ops.get(f"/jobs/queues/dead-letter/notifications:{job_id}").json()
        listed = ops.get("/jobs/queues/dead-letter", params={"status": "failed"}).json()

    assert job["dead"] is True
    assert job["failedReason"]
    assert job["stacktrace"]
    assert entry["originalQueue"] == "notifications"
    assert entry["failedReason"] == job["failedReason"]
    assert listed["jobs"][0]["id"] == f"notifications:{job_id}"
    assert listed["jobs"][0]["name"] == "send-notification"


def test_a_retry_through_the_dead_letter_view_acts_on_the_job_itself(stack: RunningStack) -> None:
    with stack.client() as ops:
        job_id = a_dead_notification(ops)
        answer = ops.post(f"/jobs/queues/dead-letter/notifications:{job_id}/retry", json={"reason": "fixed"})
        assert answer.json() == {"success": True, "outcome": "retried"}

        def died_again() -> bool:
            job = ops.get(f"/jobs/queues/notifications/{job_id}").json()
            return job["status"] == "failed" and len(job["attempts"]) >= 2

        wait_until(died_again, within=15)


def test_bulk_retry_says_what_it_would_do_and_then_does_it(stack: RunningStack) -> None:
    with stack.client() as ops:
        ids = [a_dead_notification(ops) for _ in range(3)]
        body = {"status": "failed", "ids": [*ids, "no-such-job"], "reason": "the provider was fixed"}
        dry = ops.post("/jobs/queues/notifications/retry", json={**body, "dryRun": True}).json()
        assert {ops.get(f"/jobs/queues/notifications/{i}").json()["status"] for i in ids} == {"failed"}
        real = ops.post("/jobs/queues/notifications/remove", json=body).json()

        assert dry["done"] == 3
        assert real["done"] == 3
        assert [s["id"] for s in real["skipped"]] == ["no-such-job"]
        assert {ops.get(f"/jobs/queues/notifications/{i}").status_code for i in ids} == {404}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/jobs/queues"), ("GET", "/jobs/audit"), ("GET", "/jobs/workers")]
)
def test_only_operators_see_the_queues(stack: RunningStack, method: str, path: str) -> None:
    with stack.client("tenant@local") as tenant, stack.client("service@local") as service:
        assert tenant.request(method, path).status_code == 403
        assert service.request(method, path).status_code == 403
    assert httpx.request(method, stack.url + path).status_code == 401


def test_a_backend_sees_only_the_jobs_it_handed_over(stack: RunningStack) -> None:
    with stack.client() as ops, stack.client("service@local") as service:
        job_id = a_dead_notification(ops)
        assert service.get(f"/jobs/queues/notifications/{job_id}").status_code == 404
        assert service.post(f"/jobs/queues/notifications/{job_id}/cancel", json={}).status_code == 404
        assert service.post(f"/jobs/queues/notifications/{job_id}/retry", json={}).status_code == 403


def test_nobody_enqueues_into_the_dead_letter_view(stack: RunningStack) -> None:
    with stack.client() as ops:
        answer = ops.post("/jobs/queues/dead-letter", json={"name": "ticket.created", "data": {}})

    assert answer.status_code == 409
    assert answer.json()["code"] == "QUEUE_RESERVED"


def test_the_overview_lists_the_three_queues_first_and_counts_what_the_tabs_hold(stack: RunningStack) -> None:
    with stack.client() as ops:
        a_dead_notification(ops)
        queues = ops.get("/jobs/queues").json()
        assert [q["name"] for q in queues[:3]] == ["tickets", "notifications", "dead-letter"]
        for queue in queues:
            for status in ("waiting", "active", "delayed", "completed", "failed"):
                page = ops.get(f"/jobs/queues/{queue['name']}", params={"status": status}).json()
                assert page["pagination"]["total"] == page[status], (queue["name"], status)


def test_every_worker_is_listed_and_can_be_drained_and_resumed_by_an_admin(stack: RunningStack) -> None:
    with stack.client("admin@local") as admin, stack.client() as ops:
        workers = admin.get("/jobs/workers").json()
        assert sorted(queue for worker in workers for queue in worker["queues"]) == ["notifications", "tickets"]
        path = f"/jobs/workers/{next(w['id'] for w in workers if w['queues'] == ['notifications'])}"
        assert ops.post(f"{path}/drain", json={}).status_code == 403
        assert admin.post(f"{path}/drain", json={"reason": "test"}).json()["outcome"] == "drained"
        try:
            drained = {w["id"]: w for w in admin.get("/jobs/workers").json()}[path.rsplit("/", 1)[1]]
            assert drained["status"]["draining"] is True
        finally:
            assert admin.post(f"{path}/resume", json={"reason": "test"}).json()["outcome"] == "resumed"


def test_the_audit_chain_is_intact(stack: RunningStack) -> None:
    with stack.client() as ops:
        a_dead_notification(ops)
        answer = ops.get("/jobs/audit/verify").json()

    assert answer["intact"] is True
    assert answer["checked"] > 0

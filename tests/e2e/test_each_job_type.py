"""Each of the platform's job types, handed over, run, read and acted on through REST alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from fixtures.stack import RunningStack
from support.job_types import EXAMPLES, Example
from support.platform import Case, a_case
from support.waiting import wait_until

by_type = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)


@pytest.fixture
def case(stack: RunningStack) -> Case:
    return a_case(stack.database_url, starts_at=datetime.now(UTC) - timedelta(seconds=1))


def enqueue(client: httpx.Client, example: Example, case: Case) -> httpx.Response:
    return client.post(f"/jobs/queues/{example.queue}", json={"name": example.name, "data": example.payload(case)})


@contextmanager
def paused(client: httpx.Client, queue: str) -> Iterator[None]:
    client.post(f"/jobs/queues/{queue}/pause", json={"reason": "a test looks at waiting jobs"}).raise_for_status()
    try:
        yield
    finally:
        client.post(f"/jobs/queues/{queue}/resume", json={}).raise_for_status()


@by_type
def test_a_job_handed_over_is_run_and_read_back(stack: RunningStack, case: Case, example: Example) -> None:
    with stack.client("service@local") as service, stack.client() as ops:
        answer = enqueue(service, example, case)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["created"] is True
        assert body["id"] == (example.job_id(case) or body["id"])
        assert answer.headers["location"] == f"/jobs/queues/{example.queue}/{body['id']}"

        def finished() -> bool:
            return ops.get(answer.headers["location"]).json()["status"] in ("completed", "failed")

        wait_until(finished, within=15)
        job = ops.get(answer.headers["location"]).json()
        assert job["status"] == "completed", job
        assert job["data"] == example.payload(case)
        assert job["attemptsMade"] == 1
        assert [a["outcome"] for a in job["attempts"]] == ["completed"]
        assert service.get(answer.headers["location"]).status_code == 200


@by_type
def test_a_repeat_answers_the_same_job_and_other_data_is_refused(
    stack: RunningStack, case: Case, example: Example
) -> None:
    with stack.client("service@local") as service:
        body = {"name": example.name, "data": example.payload(case), "opts": {"jobId": f"twice-{case.ticket_id}"}}
        first = service.post(f"/jobs/queues/{example.queue}", json=body)
        second = service.post(f"/jobs/queues/{example.queue}", json=body)
        other = service.post(
            f"/jobs/queues/{example.queue}", json={**body, "data": {**example.payload(case), "extra": "other"}}
        )

    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert (other.status_code, other.json()["code"]) == (409, "ID_CONFLICT")


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.missing], ids=lambda e: e.name)
def test_an_unfit_payload_is_refused_with_the_fields_name(stack: RunningStack, case: Case, example: Example) -> None:
    payload = {key: value for key, value in example.payload(case).items() if key != example.missing}
    with stack.client("service@local") as service:
        answer = service.post(f"/jobs/queues/{example.queue}", json={"name": example.name, "data": payload})

    assert answer.status_code == 422
    assert answer.json()["code"] == "PAYLOAD_INVALID"
    assert example.missing in answer.text


@by_type
def test_operators_list_cancel_retry_and_remove_it_and_every_step_is_audited(
    stack: RunningStack, case: Case, example: Example
) -> None:
    path = f"/jobs/queues/{example.queue}"
    job_id = f"acted-on-{example.name}-{case.ticket_id}"
    with stack.client() as ops, paused(ops, example.queue):
        body = {"name": example.name, "data": example.payload(case), "opts": {"jobId": job_id}}
        assert ops.post(path, json=body).status_code == 201
        listed = ops.get(path, params={"status": "waiting", "pageSize": 100}).json()
        assert job_id in [job["id"] for job in listed["jobs"]]

        outcomes = [
            ops.post(f"{path}/{job_id}/{verb}", json={"reason": f"to see {verb}"}).json()
            for verb in ("cancel", "retry", "remove")
        ]
        assert [o["outcome"] for o in outcomes] == ["cancelled", "retried", "removed"]
        assert ops.get(f"{path}/{job_id}").status_code == 404

        def audited() -> list[str]:
            entries = ops.get("/jobs/audit", params={"queue": example.queue, "jobId": job_id}).json()["data"]
            return [entry["action"] for entry in reversed(entries)]

        wait_until(lambda: audited() == ["enqueue", "cancel", "retry", "remove"], within=10)

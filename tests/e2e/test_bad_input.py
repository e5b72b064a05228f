"""What a careless or hostile caller sends to the running system: refused alike everywhere, kept exact if accepted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import grpc
import httpx
import pytest

from fixtures.stack import RunningStack
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from jobqueue.queue.v1 import queue_admin_service_pb2_grpc as rpc
from service_kit.errors import ServiceError, from_rpc_error
from support.waiting import wait_until

QUEUE = "/jobs/queues/notifications"
SCRIPT = "<script>alert(1)</script>"
LATER = 3_600_000  # ms


@pytest.fixture(scope="module")
def ops(stack: RunningStack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


def enqueue(client: httpx.Client, metadata: str = "{}") -> str:
    """A delayed job whose payload holds `metadata`, exactly so; its id."""
    job_id = f"bad-{uuid.uuid4().hex[:12]}"
    body = f'{{"name":"send-notification","data":{payload(metadata)},"opts":{{"jobId":"{job_id}","delay":{LATER}}}}}'
    client.post(QUEUE, content=body, headers={"content-type": "application/json"}).raise_for_status()
    return job_id


def payload(metadata: str) -> str:
    return f'{{"type":"email","recipientId":"nobody","message":"m","metadata":{metadata}}}'


def refused_over_grpc(stack: RunningStack, request: pb.CancelJobRequest) -> ServiceError:
    metadata = (("authorization", f"Bearer {stack.token()}"),)
    with grpc.insecure_channel(stack.queue_admin_address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            rpc.QueueAdminServiceStub(channel).CancelJob(request, timeout=5, metadata=metadata)
        return from_rpc_error(caught.value)


def test_numbers_and_escapes_stay_exact_from_enqueue_to_edited_retry_and_audit(ops: httpx.Client) -> None:
    first = r'{"n":123456789012345678901234567890,"f":1.10000000000000000000000001,"z":-0.0,"u":"\u00e9\u0000"}'
    second = '{"n":98765432109876543210987654321}'
    job_id = enqueue(ops, first)
    listed = ops.get(QUEUE, params={"status": "delayed", "pageSize": 100})
    assert payload(first) in ops.get(f"{QUEUE}/{job_id}").text
    assert payload(first) in listed.text

    ops.post(f"{QUEUE}/{job_id}/cancel").raise_for_status()
    body = f'{{"data":{payload(second)},"reason":"edited"}}'
    ops.post(f"{QUEUE}/{job_id}/retry", content=body, headers={"content-type": "application/json"}).raise_for_status()

    assert payload(second) in ops.get(f"{QUEUE}/{job_id}").text
    asked = {"jobId": job_id, "action": "retry"}
    wait_until(lambda: ops.get("/jobs/audit", params=asked).json()["pagination"]["total"] == 1)
    audited = ops.get("/jobs/audit", params=asked).text
    assert payload(first) in audited
    assert payload(second) in audited


def test_a_reason_with_a_nul_is_refused_on_both_faces_for_it_could_not_be_audited(
    stack: RunningStack, ops: httpx.Client
) -> None:
    job_id = enqueue(ops)

    rest = ops.post(f"{QUEUE}/{job_id}/cancel", json={"reason": "a\0b"})
    over_grpc = refused_over_grpc(stack, pb.CancelJobRequest(queue="notifications", job_id=job_id, reason="a\0b"))

    assert (rest.status_code, rest.json()["code"]) == (400, "INVALID_REQUEST")
    assert rest.json()["errors"] == [{"field": "reason", "problem": "must not hold a NUL"}]
    assert (over_grpc.reason, over_grpc.fields[0].field) == ("INVALID_REQUEST", "reason")
    assert ops.get(f"{QUEUE}/{job_id}").json()["status"] == "delayed"


@pytest.mark.parametrize(
    "reason", [SCRIPT, "'; DROP TABLE job_audit; --", "\u202e\u2028\x1b[31m", "\U0001f600" * 1_000]
)
def test_any_other_reason_is_audited_as_it_was_given(ops: httpx.Client, reason: str) -> None:
    job_id = enqueue(ops)
    ops.post(f"{QUEUE}/{job_id}/cancel", json={"reason": reason}).raise_for_status()

    asked = {"jobId": job_id, "action": "cancel"}
    wait_until(lambda: ops.get("/jobs/audit", params=asked).json()["pagination"]["total"] == 1)
    assert ops.get("/jobs/audit", params=asked).json()["data"][0]["reason"] == reason
    assert ops.get(f"{QUEUE}/{job_id}").json()["failedReason"] == reason


def test_an_empty_list_of_ids_does_not_come_to_mean_every_job(ops: httpx.Client) -> None:
    job_id = enqueue(ops)
    ops.post(f"{QUEUE}/{job_id}/cancel").raise_for_status()

    answer = ops.post(f"{QUEUE}/remove", json={"status": "failed", "ids": [], "reason": "nothing was selected"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "ids")
    assert ops.get(f"{QUEUE}/{job_id}").status_code == 200


def test_half_of_a_surrogate_pair_in_a_login_is_400(stack: RunningStack) -> None:
    answer = httpx.post(
        f"{stack.url}/auth/login",
        content=rb'{"email":"\ud800","password":"\ud800"}',
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"email", "password"}


def test_a_job_id_that_is_too_long_is_named_as_callers_know_it(ops: httpx.Client) -> None:
    answer = ops.get(f"{QUEUE}/{'a' * 201}")

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "jobId", "problem": "must match [A-Za-z0-9._:-]{1,200}"}]


@pytest.mark.parametrize(
    "body",
    [
        {"name": SCRIPT, "data": {}},
        {"name": "send-notification", "data": {SCRIPT: SCRIPT}},
        {"name": "send-notification", "data": {}, "opts": {"jobId": SCRIPT}},
        {"name": "send-notification", "data": {}, SCRIPT: 1},
    ],
)
def test_markup_comes_back_as_json_that_no_browser_takes_for_a_page(ops: httpx.Client, body: object) -> None:
    answer = ops.post(QUEUE, json=body)

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("service", ["worker", "queue-admin"])
def test_a_service_s_own_token_opens_nothing_for_callers(stack: RunningStack, service: str) -> None:
    headers = {"authorization": f"Bearer {stack.service_token(service)}"}

    for path in ("/jobs/queues", "/jobs/audit", f"{QUEUE}/any"):
        assert httpx.get(f"{stack.url}{path}", headers=headers).status_code == 403
    assert httpx.post(f"{stack.url}/auth/refresh", headers=headers).status_code == 401

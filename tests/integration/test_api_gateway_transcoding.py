from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message

from jobqueue.audit.v1 import audit_service_pb2 as audit_pb
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from service_kit.errors import HTTP_STATUS, FieldError, ServiceError
from support.gateway import Call, RunningGateway, a_gateway

REASON = "in the operator's words"
FROM_5: Any = {"from": 5}  # a keyword of Python
FAILED, WAITING = job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_WAITING


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with a_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def gateway(shared: RunningGateway) -> RunningGateway:
    shared.backend.replies.clear()
    shared.backend.calls.clear()
    return shared


def the_call(gateway: RunningGateway) -> Call:
    (call,) = gateway.backend.calls
    return call


REQUESTS: dict[str, tuple[str, str, Any, Message]] = {
    "EnqueueJob": (
        "POST",
        "/jobs/queues/tickets",
        {"name": "ticket.created", "data": {"a": 1}, "opts": {"jobId": "x", "ifExists": "replace"}},
        pb.EnqueueJobRequest(
            queue="tickets",
            name="ticket.created",
            data=b'{"a":1}',
            opts=job_pb2.JobOptions(job_id="x", if_exists=job_pb2.IF_EXISTS_REPLACE),
        ),
    ),
    "EnqueueJobs": (
        "POST",
        "/jobs/queues/tickets/batch",
        {"jobs": [{"name": "a", "data": 1}, {"name": "b", "data": [2]}]},
        pb.EnqueueJobsRequest(queue="tickets", jobs=[pb.NewJob(name="a", data=b"1"), pb.NewJob(name="b", data=b"[2]")]),
    ),
    "ListQueues": ("GET", "/jobs/queues", None, pb.ListQueuesRequest()),
    "GetQueue": (
        "GET",
        "/jobs/queues/tickets?status=failed&page=2&pageSize=5&order=oldest",
        None,
        pb.GetQueueRequest(queue="tickets", status=FAILED, page=2, page_size=5, order=pb.JOB_ORDER_OLDEST),
    ),
    "GetJob": (
        "GET",
        "/jobs/queues/dead-letter/tickets%3Aa.b-c",
        None,
        pb.GetJobRequest(queue="dead-letter", job_id="tickets:a.b-c"),
    ),
    "RetryJob": (
        "POST",
        "/jobs/queues/tickets/7/retry",
        {"reason": REASON, "data": {"fixed": True}},
        pb.RetryJobRequest(queue="tickets", job_id="7", reason=REASON, data=b'{"fixed":true}'),
    ),
    "RemoveJob": ("POST", "/jobs/queues/tickets/7/remove", None, pb.RemoveJobRequest(queue="tickets", job_id="7")),
    "CancelJob": (
        "POST",
        "/jobs/queues/tickets/7/cancel",
        {"reason": REASON},
        pb.CancelJobRequest(queue="tickets", job_id="7", reason=REASON),
    ),
    "PauseQueue": ("POST", "/jobs/queues/tickets/pause", {}, pb.PauseQueueRequest(queue="tickets")),
    "ResumeQueue": ("POST", "/jobs/queues/tickets/resume", {}, pb.ResumeQueueRequest(queue="tickets")),
    "RetryJobs": (
        "POST",
        "/jobs/queues/tickets/retry",
        {"status": "failed", "ids": ["1", "2"], "dryRun": True, "limit": 10, "reason": REASON},
        pb.RetryJobsRequest(queue="tickets", status=FAILED, ids=["1", "2"], dry_run=True, limit=10, reason=REASON),
    ),
    "RemoveJobs": (
        "POST",
        "/jobs/queues/tickets/remove",
        {"status": "failed", "finishedBefore": 1764000000000, "reason": REASON},
        pb.RemoveJobsRequest(queue="tickets", status=FAILED, finished_before=1764000000000, reason=REASON),
    ),
    "CancelJobs": (
        "POST",
        "/jobs/queues/tickets/cancel",
        {"status": "waiting", "acceptedBefore": 1764000000000, "name": "ticket.created", "reason": REASON},
        pb.CancelJobsRequest(
            queue="tickets", status=WAITING, accepted_before=1764000000000, name="ticket.created", reason=REASON
        ),
    ),
    "ListJobTypes": ("GET", "/jobs/types", None, pb.ListJobTypesRequest()),
    "ListWorkers": ("GET", "/jobs/workers", None, pb.ListWorkersRequest()),
    "DrainWorker": ("POST", "/jobs/workers/w:1/drain", None, pb.DrainWorkerRequest(worker_id="w:1")),
    "ResumeWorker": ("POST", "/jobs/workers/w:1/resume", None, pb.ResumeWorkerRequest(worker_id="w:1")),
    "ListEntries": (
        "GET",
        "/jobs/audit?queue=tickets&action=retry&from=5&to=6&actor=ops%40local",
        None,
        audit_pb.ListEntriesRequest(
            queue="tickets", action=audit_pb.AUDIT_ACTION_RETRY, to=6, actor="ops@local", **FROM_5
        ),
    ),
    "VerifyChain": ("GET", "/jobs/audit/verify", None, audit_pb.VerifyChainRequest()),
    "GetVerification": ("GET", "/jobs/audit/verification", None, audit_pb.GetVerificationRequest()),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_each_call_arrives_as_the_message_it_means(gateway: RunningGateway, name: str) -> None:
    verb, path, body, expected = REQUESTS[name]

    with gateway.client("ADMIN") as client:
        answer = client.request(verb, path, json=body) if body is not None else client.request(verb, path)

    assert answer.status_code == 200
    call = the_call(gateway)
    assert call.method == name
    assert call.request == expected


def test_the_callers_token_the_request_id_and_a_deadline_travel_along(gateway: RunningGateway) -> None:
    token = gateway.token("OPS", sub="ops-1")
    with gateway.client() as client:
        headers = {"authorization": f"bearer {token}", "x-request-id": "my-id-1"}
        answer = client.get("/jobs/queues", headers=headers)

    call = the_call(gateway)
    assert call.metadata["authorization"] == f"Bearer {token}"
    assert call.metadata["x-request-id"] == "my-id-1"
    assert 3 < call.seconds_left < 6
    assert answer.headers["x-request-id"] == "my-id-1"


def test_a_malformed_request_id_is_replaced(gateway: RunningGateway) -> None:
    with gateway.client("OPS") as client:
        answer = client.get("/jobs/queues", headers={"x-request-id": "a b"})

    assert answer.headers["x-request-id"] == the_call(gateway).metadata["x-request-id"]
    assert len(answer.headers["x-request-id"]) == 32


def test_data_passes_byte_for_byte(gateway: RunningGateway) -> None:
    data = b'{ "big": 123456789012345678901234567890, "f": 1.10, "dup": 1, "dup": 2 }'
    with gateway.client("SERVICE") as client:
        client.post(
            "/jobs/queues/tickets",
            content=b'{"name":"x","data":' + data + b"}",
            headers={"content-type": "application/json"},
        )

    assert the_call(gateway).request.data == data


def test_a_new_job_is_201_with_its_place_and_a_known_one_200(gateway: RunningGateway) -> None:
    reply = pb.EnqueueJobResponse(
        id="tickets:1", queue="tickets", name="x", status=job_pb2.JOB_STATE_WAITING, created=True
    )
    gateway.backend.replies["EnqueueJob"] = reply
    with gateway.client("SERVICE") as client:
        new = client.post("/jobs/queues/tickets", json={"name": "x", "data": {}})
        gateway.backend.replies["EnqueueJob"] = pb.EnqueueJobResponse(id="1", queue="tickets", created=False)
        known = client.post("/jobs/queues/tickets", json={"name": "x", "data": {}})
        assert client.get(new.headers["location"]).status_code == 200

    assert new.status_code == 201
    assert new.headers["location"] == "/jobs/queues/tickets/tickets:1"
    assert new.json() == {"id": "tickets:1", "queue": "tickets", "name": "x", "status": "waiting", "created": True}
    assert known.status_code == 200
    assert known.json()["created"] is False
    assert "location" not in known.headers


def test_the_list_of_queues_is_a_bare_array(gateway: RunningGateway) -> None:
    gateway.backend.replies["ListQueues"] = pb.ListQueuesResponse(queues=[job_pb2.Queue(name="tickets", waiting=3)])
    with gateway.client("OPS") as client:
        (queue,) = client.get("/jobs/queues").json()

    assert (queue["name"], queue["waiting"], queue["paused"]) == ("tickets", 3, False)
    assert "pausedBy" not in queue


def test_head_answers_like_get_without_a_body(gateway: RunningGateway) -> None:
    with gateway.client("OPS") as client:
        answer = client.head("/jobs/queues")

    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize("reason", sorted(set(HTTP_STATUS) - {"UNSPECIFIED"}))
def test_every_refusal_is_a_problem_with_the_status_of_the_one_table(gateway: RunningGateway, reason: str) -> None:
    gateway.backend.replies["ListQueues"] = ServiceError(
        reason, "what was wrong", (FieldError("data.ticketId", "is required"),), metadata={"known": "a, b"}
    )
    with gateway.client("OPS") as client:
        answer = client.get("/jobs/queues")

    assert answer.status_code == HTTP_STATUS[reason]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"/docs#{reason}",
        "title": reason.replace("_", " ").capitalize(),
        "status": HTTP_STATUS[reason],
        "detail": "what was wrong",
        "code": reason,
        "requestId": answer.headers["x-request-id"],
        "errors": [{"field": "data.ticketId", "problem": "is required"}],
        "metadata": {"known": "a, b"},
    }


@pytest.mark.parametrize(("ms", "seconds"), [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (30_000, "30")])
def test_when_to_come_back_is_said_in_whole_seconds(gateway: RunningGateway, ms: int, seconds: str) -> None:
    gateway.backend.replies["ListQueues"] = ServiceError("UNAVAILABLE", "the store is away", retry_after_ms=ms)
    with gateway.client("OPS") as client:
        answer = client.get("/jobs/queues")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == seconds


def test_a_service_that_does_not_answer_in_time_is_504(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api_gateway.clients.DEADLINE_SECONDS", 0.2)
    gateway.backend.replies["ListQueues"] = threading.Event()
    with gateway.client("OPS") as client:
        answer = client.get("/jobs/queues")

    assert (answer.status_code, answer.json()["code"]) == (504, "DEADLINE")
    assert "whether the call had an effect is not known" in answer.json()["detail"]


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"; a=b'])
def test_the_media_type_may_be_written_in_any_way(gateway: RunningGateway, content_type: str) -> None:
    with gateway.client("SERVICE") as client:
        answer = client.post(
            "/jobs/queues/tickets", content=b'{"name":"x","data":1}', headers={"content-type": content_type}
        )

    assert answer.status_code == 200


def test_a_defect_behind_is_500_without_its_words(gateway: RunningGateway) -> None:
    gateway.backend.replies["ListQueues"] = RuntimeError("secret internals")
    with gateway.client("OPS") as client:
        answer = client.get("/jobs/queues")

    assert answer.status_code == 500
    assert answer.json()["code"] == "INTERNAL"
    assert "secret internals" not in answer.text

"""Traces over all the processes, as a collector receives them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial

import httpx
import orjson
import pytest

from fixtures.stack import RunningStack, a_stack
from support.otlp_receiver import Received, Receiver, receiving

OURS, THEIRS = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CANARY = "canary-9b1d"
REFUSED = "user-cora"  # her address is at refused.example, which the local provider refuses


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def traced(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with a_stack(tmp_path_factory.mktemp("traced"), **settings) as running:
        yield running


def enqueue(client: httpx.Client, queue: str, name: str, data: dict[str, str], **headers: str) -> str:
    answer = client.post(f"/jobs/queues/{queue}", json={"name": name, "data": data}, headers=headers)
    return str(answer.raise_for_status().json()["id"])


def a_ticket() -> dict[str, str]:
    place = {"propertyId": "property-hill-1", "createdById": "user-tom", "landlordId": "landlord-hillside"}
    return {"ticketId": f"t-{uuid.uuid4().hex[:8]}", **place}


def chain(spans: list[Received], last: Received) -> list[tuple[str, str, str]]:
    """(service, kind, name) from the first span of a trace to `last`."""
    by_id = {span.span: span for span in spans}
    found = [last]
    while found[0].parent in by_id:
        found.insert(0, by_id[found[0].parent])
    return [(span.service, span.kind, span.name) for span in found]


def test_a_request_is_one_trace_from_the_callers_own_span_to_the_notifications(
    traced: RunningStack, receiver: Receiver
) -> None:
    with traced.client("service@local") as backend:
        job_id = enqueue(backend, "tickets", "ticket.created", a_ticket(), traceparent=f"00-{OURS}-{THEIRS}-01")

    def ours() -> list[Received]:
        return [span for span in list(receiver.spans) if span.trace == OURS]

    delivered = receiver.wait_for(lambda: [span for span in ours() if span.name.startswith("deliver ")])
    sent = receiver.wait_for(lambda: [span for span in ours() if span.name == "send notifications"])
    receiver.wait_for(lambda: {span.parent for span in ours()} <= {span.span for span in ours()} | {THEIRS})
    assert chain(ours(), delivered[0])[:6] == [
        ("api-gateway", "server", "POST /jobs/queues/{queue}"),
        ("api-gateway", "client", "jobqueue.queue.v1.QueueAdminService/EnqueueJob"),
        ("queue-admin", "server", "jobqueue.queue.v1.QueueAdminService/EnqueueJob"),
        ("queue-admin", "producer", "send tickets"),
        ("worker", "consumer", "process tickets"),
        ("worker", "producer", "send notifications"),
    ]
    assert chain(ours(), delivered[0])[6:] == [
        ("worker", "consumer", "process notifications"),
        ("worker", "client", delivered[0].name),
    ]
    [first] = [span for span in ours() if span.name.startswith("POST")]
    assert first.parent == THEIRS
    [ticket] = [span for span in ours() if span.name == "process tickets"]
    [producer] = [span for span in ours() if span.name == "send tickets"]
    assert ticket.links == ((producer.trace, producer.span),)
    assert (ticket.attributes["messaging.message.id"], ticket.attributes["jobqueue.attempt"]) == (job_id, 1)
    assert {span.attributes["messaging.destination.name"] for span in sent} == {"notifications"}


def test_log_lines_of_every_process_name_the_trace(traced: RunningStack, receiver: Receiver) -> None:
    trace = uuid.uuid4().hex
    data = {"type": "email", "recipientId": REFUSED, "subject": "Hello", "message": "Will be refused"}
    with traced.client() as ops:
        job_id = enqueue(ops, "notifications", "send-notification", data, traceparent=f"00-{trace}-{THEIRS}-01")
    receiver.wait_for(lambda: receiver.named("process notifications", messaging_message_id=job_id))

    for service, event in (
        ("api-gateway", "http_request"),
        ("queue-admin", "job_enqueued"),
        ("worker-notifications", "attempt_failed"),
    ):
        lines = [orjson.loads(line) for line in traced.log(service).splitlines() if trace in line]
        assert [line["event"] for line in lines if line["trace_id"] == trace and len(line["span_id"]) == 16][-1:] == [
            event
        ], service


def test_a_job_retried_by_hand_begins_a_trace_that_is_linked_to_its_first(
    traced: RunningStack, receiver: Receiver
) -> None:
    data = {"type": "email", "recipientId": REFUSED, "subject": "Hello", "message": "Will be refused"}
    with traced.client() as ops:
        job_id = enqueue(ops, "notifications", "send-notification", data)
        receiver.wait_for(lambda: receiver.named("process notifications", messaging_message_id=job_id))
        ops.post(f"/jobs/queues/notifications/{job_id}/retry", json={"reason": "again"}).raise_for_status()
        receiver.wait_for(lambda: len(receiver.named("process notifications", messaging_message_id=job_id)) == 2)

    [sent] = receiver.named("send notifications", messaging_message_id=job_id)
    first, second = receiver.named("process notifications", messaging_message_id=job_id)
    assert (first.trace, first.parent) == (sent.trace, sent.span)
    assert (second.parent, second.trace != first.trace) == ("", True)
    assert first.links == second.links == ((sent.trace, sent.span),)
    assert (first.failed, first.attributes["jobqueue.outcome"]) == (True, "failed")


def test_what_a_stranger_sends_as_a_trace_is_ignored_when_malformed_and_bounded_when_not(
    traced: RunningStack, receiver: Receiver
) -> None:
    marks = [f"mark-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    with traced.client() as ops:
        ops.get("/jobs/queues", headers={"traceparent": "00-zz", "x-request-id": marks[0]})
        state = {"traceparent": f"00-{OURS}-{THEIRS}-01", "tracestate": f"them={CANARY}"}
        ops.get("/jobs/queues", headers={**state, "x-request-id": marks[1]})

    def asked(mark: str) -> list[Received]:
        return [span for span in list(receiver.spans) if span.attributes.get("jobqueue.request_id") == mark]

    malformed, bounded = (receiver.wait_for(partial(asked, mark))[0] for mark in marks)
    assert (malformed.parent, len(malformed.trace)) == ("", 32)
    assert (bounded.trace, bounded.parent) == (OURS, THEIRS)
    assert CANARY.encode() not in b"".join(receiver.bodies)


def test_no_span_holds_what_a_job_carries(traced: RunningStack, receiver: Receiver) -> None:
    message = {"subject": f"{CANARY}-subject", "message": f"{CANARY}-message"}
    with traced.client() as ops:
        for person in ("user-tom", REFUSED):
            data = {"type": "email", "recipientId": person, **message}
            job_id = enqueue(ops, "notifications", "send-notification", data)
            receiver.wait_for(partial(receiver.named, "process notifications", messaging_message_id=job_id))
        body = {"name": "send-notification", "data": {"type": CANARY}}
        assert ops.post("/jobs/queues/notifications", json=body).status_code == 422
    receiver.wait_for(lambda: any(span.failed and span.service == "queue-admin" for span in receiver.spans))

    sent = b"".join(receiver.bodies)
    assert b"send notifications" in sent
    assert CANARY.encode() not in sent

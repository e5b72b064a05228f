"""Every job type of the platform, as the worker declares it, handed over the way a backend does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

import worker.jobs
from fixtures.queue_admin import RunningQueueAdmin, StartQueueAdmin
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused
from support.job_types import EXAMPLES, Example
from support.platform import Case
from worker.job_types import handlers_in
from worker.registration import to_message

DUE = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
CASE = Case("ticket-1", "quote-1", "appointment-1", DUE)
each_type = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)


@pytest.fixture
def admin(start_queue_admin: StartQueueAdmin, valkey_url: str) -> RunningQueueAdmin:
    running = start_queue_admin(valkey_url)
    running.register(*(to_message(handler.job_type) for handler in handlers_in(worker.jobs)))
    return running


def enqueue(admin: RunningQueueAdmin, example: Example, payload: dict[str, object]) -> pb.EnqueueJobResponse:
    request = pb.EnqueueJobRequest(queue=example.queue, name=example.name, data=orjson.dumps(payload))
    return admin.stub("SERVICE", sub="backend").EnqueueJob(request)


def test_the_worker_declares_exactly_these_types(admin: RunningQueueAdmin) -> None:
    listed = admin.stub("OPS").ListJobTypes(pb.ListJobTypesRequest()).job_types

    assert {(t.name, t.queue) for t in listed} == {(e.name, e.queue) for e in EXAMPLES}


@each_type
def test_each_type_gets_its_id_from_its_payload(admin: RunningQueueAdmin, example: Example) -> None:
    payload = example.payload(CASE)

    made = enqueue(admin, example, payload)

    assert made.created
    expected = example.job_id(CASE)
    assert made.id == expected or not expected
    job = admin.stub("OPS").GetJob(pb.GetJobRequest(queue=example.queue, job_id=made.id)).job
    assert (job.name, orjson.loads(job.data)) == (example.name, payload)
    if expected:
        assert enqueue(admin, example, payload).created is False


@each_type
def test_each_type_refuses_a_payload_without_what_it_needs(admin: RunningQueueAdmin, example: Example) -> None:
    if not example.missing:
        assert enqueue(admin, example, {"day": "2026-01-05"}).created
        return
    payload = {name: value for name, value in example.payload(CASE).items() if name != example.missing}

    with refused("PAYLOAD_INVALID") as call:
        enqueue(admin, example, payload)

    assert call.fields == {f"data.{example.missing}": "is required"}


@pytest.mark.parametrize("name", ["appointment.start", "appointment.reminder"])
def test_an_appointments_jobs_are_due_when_their_payload_says(admin: RunningQueueAdmin, name: str) -> None:
    (example,) = (e for e in EXAMPLES if e.name == name)

    made = enqueue(admin, example, example.payload(CASE))

    job = admin.stub("OPS").GetJob(pb.GetJobRequest(queue="tickets", job_id=made.id)).job
    assert job.due_at == int(DUE.timestamp() * 1000)

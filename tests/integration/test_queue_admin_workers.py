from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import orjson
import pytest

from fixtures.queue_admin import SCHEMA, WORKER, RunningQueueAdmin, a_job_type
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from jobqueue.worker.v1 import worker_service_pb2
from support.calls import refused
from support.scripted_worker import ScriptedWorker, scripted_worker

DRAIN = audit_service_pb2.AUDIT_ACTION_DRAIN
RESUME_WORKER = audit_service_pb2.AUDIT_ACTION_RESUME_WORKER


@pytest.fixture
def worker(queue_admin: RunningQueueAdmin) -> Iterator[ScriptedWorker]:
    """A registered worker that answers."""
    with scripted_worker(queue_admin.authority, queue_admin.folder) as servicer:
        queue_admin.register(a_job_type(), address=servicer.address)
        yield servicer


def workers(admin: RunningQueueAdmin) -> dict[str, pb.Worker]:
    return {w.info.id: w for w in admin.stub("OPS").ListWorkers(pb.ListWorkersRequest()).workers}


def test_a_registered_type_is_listed_with_its_defaults(queue_admin: RunningQueueAdmin) -> None:
    listed = {t.name: t for t in queue_admin.stub("SERVICE").ListJobTypes(pb.ListJobTypesRequest()).job_types}

    assert sorted(listed) == ["send-notification", "ticket.created"]
    found = listed["ticket.created"]
    assert (found.queue, found.version, found.id_template, found.settling) == (
        "tickets",
        1,
        "ticket-created-{ticketId}",
        "group",
    )
    assert orjson.loads(found.schema) == SCHEMA
    assert (found.attempts, found.timeout, found.dedup_window) == (3, 60_000, 86_400_000)
    assert found.backoff == job_pb2.Backoff(type=job_pb2.BACKOFF_TYPE_EXPONENTIAL, delay=2_000)


def test_a_worker_is_told_how_soon_to_register_again(queue_admin: RunningQueueAdmin) -> None:
    info = pb.WorkerInfo(id="w", address="127.0.0.1:9", queues=["tickets"])

    assert queue_admin.stub("WORKER").RegisterWorker(pb.RegisterWorkerRequest(info=info)).ttl == 15_000


def test_the_highest_version_of_a_type_holds(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.register(a_job_type(version=3, id_template="v3-{ticketId}"))
    queue_admin.register(a_job_type(version=2, id_template="v2-{ticketId}"), worker_id="older")

    listed = queue_admin.stub("OPS").ListJobTypes(pb.ListJobTypesRequest()).job_types
    assert [t.id_template for t in listed if t.name == "ticket.created"] == ["v3-{ticketId}"]


def test_another_schema_under_the_same_version_is_incompatible(queue_admin: RunningQueueAdmin) -> None:
    with refused("JOB_TYPE_INCOMPATIBLE") as call:
        queue_admin.register(a_job_type(schema={"type": "object"}), worker_id="newcomer")

    assert "raise its version" in call.error.detail
    assert "newcomer" not in workers(queue_admin)


@pytest.mark.parametrize(
    ("job_type", "field"),
    [
        pytest.param(a_job_type("t", schema={"type": "strnig"}), "jobTypes[0].schema", id="invalid schema"),
        pytest.param(
            a_job_type("t", schema={"$ref": "http://127.0.0.1:9/x.json"}), "jobTypes[0].schema", id="remote reference"
        ),
        pytest.param(
            a_job_type("t", schema={"$ref": "file:///etc/hostname"}), "jobTypes[0].schema", id="file reference"
        ),
        pytest.param(a_job_type("t", schema=[]), "jobTypes[0].schema", id="no object"),
        pytest.param(a_job_type("t", "dead-letter"), "jobTypes[0].queue", id="the view"),
        pytest.param(a_job_type("t", version=0), "jobTypes[0].version", id="no version"),
        pytest.param(a_job_type("9", "tickets"), "jobTypes[0].name", id="malformed name"),
        pytest.param(
            job_pb2.JobType(name="t", queue="tickets", version=1, attempts=1_000), "jobTypes[0].attempts", id="attempts"
        ),
    ],
)
def test_a_declaration_that_cannot_be_used_is_refused(
    queue_admin: RunningQueueAdmin, job_type: job_pb2.JobType, field: str
) -> None:
    info = pb.WorkerInfo(id="w", address="127.0.0.1:9", queues=["tickets"])

    with refused("INVALID_REQUEST") as call:
        queue_admin.stub("WORKER").RegisterWorker(pb.RegisterWorkerRequest(info=info, job_types=[job_type]))

    assert list(call.fields) == [field]


def test_a_live_worker_shows_what_it_is_doing(queue_admin: RunningQueueAdmin, worker: ScriptedWorker) -> None:
    worker.running = [worker_service_pb2.RunningJob(queue="tickets", job_id="one", name="ticket.created", started_on=5)]

    found = workers(queue_admin)[WORKER]

    assert found.reachable
    assert found.info.address == worker.address
    assert found.last_seen > 0
    assert found.status == worker_service_pb2.WorkerStatus(threads=8, busy=1, prefetched=1)
    assert [job.job_id for job in found.running] == ["one"]


def test_workers_that_do_not_answer_never_hold_the_caller_up(
    queue_admin: RunningQueueAdmin, worker: ScriptedWorker
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for number in range(20):
            queue_admin.register(
                a_job_type(), worker_id=f"silent-{number}", address=f"127.0.0.1:{silent.getsockname()[1]}"
            )
        queue_admin.register(a_job_type(), worker_id="refusing", address="127.0.0.1:9")
        began = time.monotonic()

        found = workers(queue_admin)

    assert time.monotonic() - began < 1.5
    assert len(found) == 22
    assert [worker_id for worker_id, w in found.items() if w.reachable] == [WORKER]
    assert not found["refusing"].HasField("status")


def test_a_worker_is_drained_and_resumed_and_both_are_audited(
    queue_admin: RunningQueueAdmin, worker: ScriptedWorker
) -> None:
    admin = queue_admin.stub("ADMIN", sub="ada")

    drained = admin.DrainWorker(pb.DrainWorkerRequest(worker_id=WORKER, reason="new release"))
    again = admin.DrainWorker(pb.DrainWorkerRequest(worker_id=WORKER))
    assert worker.draining
    resumed = admin.ResumeWorker(pb.ResumeWorkerRequest(worker_id=WORKER))
    assert not worker.draining

    assert [drained.outcome, again.outcome, resumed.outcome] == [
        job_pb2.ACTION_OUTCOME_DRAINED,
        job_pb2.ACTION_OUTCOME_UNCHANGED,
        job_pb2.ACTION_OUTCOME_RESUMED,
    ]
    recorded = queue_admin.recorded()
    assert [(r.action, r.queue, r.job_id, r.actor, r.reason) for r in recorded] == [
        (DRAIN, "tickets", "", "ada", "new release"),
        (RESUME_WORKER, "tickets", "", "ada", ""),
    ]
    assert orjson.loads(recorded[0].detail) == {"worker": WORKER}


def test_an_unknown_worker_is_not_found(queue_admin: RunningQueueAdmin) -> None:
    with refused("WORKER_NOT_FOUND"):
        queue_admin.stub("ADMIN").DrainWorker(pb.DrainWorkerRequest(worker_id="nobody"))


def test_draining_a_worker_that_does_not_answer_says_so_and_records_nothing(queue_admin: RunningQueueAdmin) -> None:
    with refused("UNAVAILABLE") as call:
        queue_admin.stub("ADMIN").DrainWorker(pb.DrainWorkerRequest(worker_id=WORKER))

    assert WORKER in call.error.detail
    assert queue_admin.recorded() == []

from __future__ import annotations

import orjson

from fixtures.queue_admin import RunningQueueAdmin
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused

ENQUEUE = audit_service_pb2.AUDIT_ACTION_ENQUEUE

REPLACE = job_pb2.IF_EXISTS_REPLACE


def a_job(ticket_id: str, *, name: str = "ticket.created", **opts: object) -> pb.NewJob:
    options = job_pb2.JobOptions(**opts)  # type: ignore[arg-type]
    return pb.NewJob(name=name, data=orjson.dumps({"ticketId": ticket_id}), opts=options)


def enqueue(
    admin: RunningQueueAdmin, *jobs: pb.NewJob, role: str = "SERVICE", sub: str = "backend"
) -> list[pb.EnqueueResult]:
    request = pb.EnqueueJobsRequest(queue="tickets", jobs=jobs)
    return list(admin.stub(role, sub=sub).EnqueueJobs(request).results)


def test_a_batch_is_accepted_in_order(queue_admin: RunningQueueAdmin) -> None:
    results = enqueue(queue_admin, *(a_job(str(n)) for n in range(200)))

    assert [r.id for r in results] == [f"ticket-created-{n}" for n in range(200)]
    assert all(r.created and r.status == job_pb2.JOB_STATE_WAITING and not r.HasField("code") for r in results)
    taken = [lease.job_id for lease in queue_admin.take(want=200)]
    assert taken == [r.id for r in results]


def test_each_job_of_a_batch_is_answered_for_itself(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, a_job("1"), a_job("2", job_id="taken"))

    results = enqueue(
        queue_admin,
        a_job("1"),
        a_job("other", job_id="taken"),
        a_job("3", name="ticket.destroyed"),
        pb.NewJob(name="ticket.created", data=b"{}"),
        pb.NewJob(name="ticket.created", data=b"{"),
        a_job("4", delay=1, due_at=2),
        a_job("a b"),
        a_job("5"),
    )

    assert [(r.id, r.created, r.code) for r in results] == [
        ("ticket-created-1", False, ""),
        ("taken", False, "ID_CONFLICT"),
        ("", False, "JOB_TYPE_UNKNOWN"),
        ("", False, "PAYLOAD_INVALID"),
        ("", False, "INVALID_REQUEST"),
        ("", False, "INVALID_REQUEST"),
        ("", False, "PAYLOAD_INVALID"),
        ("ticket-created-5", True, ""),
    ]
    assert results[3].detail == "the data does not fit the schema of ticket.created: data.ticketId is required"


def test_the_same_job_twice_in_a_batch_is_made_once(queue_admin: RunningQueueAdmin) -> None:
    results = enqueue(queue_admin, a_job("1"), a_job("1"))

    assert [r.created for r in results] == [True, False]


def test_a_backend_replaces_its_own_jobs_in_a_batch_and_no_others(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, a_job("1", job_id="mine"))
    enqueue(queue_admin, a_job("1", job_id="theirs"), sub="stranger")

    results = enqueue(
        queue_admin,
        a_job("2", job_id="mine", if_exists=REPLACE),
        a_job("2", job_id="theirs", if_exists=REPLACE),
        a_job("2", job_id="new", if_exists=REPLACE),
    )

    assert [(r.created, r.code) for r in results] == [(True, ""), (False, "JOB_NOT_FOUND"), (True, "")]


def test_a_batch_of_a_person_has_a_record_for_each_job(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, a_job("1"), a_job("2"), role="ADMIN", sub="ada")

    records = queue_admin.recorded()
    assert [(r.action, r.actor, r.job_id) for r in records] == [
        (ENQUEUE, "ada", "ticket-created-1"),
        (ENQUEUE, "ada", "ticket-created-2"),
    ]
    assert len({r.event_id for r in records}) == 2


def test_a_batch_needs_jobs_and_takes_at_most_a_thousand(queue_admin: RunningQueueAdmin) -> None:
    with refused("INVALID_REQUEST") as call:
        enqueue(queue_admin)
    assert list(call.fields) == ["jobs"]

    with refused("INVALID_REQUEST"):
        enqueue(queue_admin, *(a_job(str(n)) for n in range(1001)))


def test_a_batch_for_the_dead_letter_view_is_refused(queue_admin: RunningQueueAdmin) -> None:
    with refused("QUEUE_RESERVED"):
        queue_admin.stub("OPS").EnqueueJobs(pb.EnqueueJobsRequest(queue="dead-letter", jobs=[a_job("1")]))

"""What the dashboard asks about single jobs: another due time, finding, why it does not run, and its relatives."""

from __future__ import annotations

import orjson
import pytest

from fixtures.queue_admin import WORKER, RunningQueueAdmin
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.domain.job import JobRef, NewJob
from support.calls import refused

NOON = 4_102_488_000_000  # 1 January 2100, 12:00 UTC


def enqueue(admin: RunningQueueAdmin, *job_ids: str, queue: str = "tickets", due_at: int | None = None) -> None:
    name = "ticket.created" if queue == "tickets" else "send-notification"
    jobs = [
        pb.NewJob(name=name, data=b'{"ticketId":"7"}', opts=job_pb2.JobOptions(job_id=job_id, due_at=due_at))
        for job_id in job_ids
    ]
    admin.stub("SERVICE", sub="backend").EnqueueJobs(pb.EnqueueJobsRequest(queue=queue, jobs=jobs))


def get(admin: RunningQueueAdmin, job_id: str, *, role: str = "OPS") -> pb.GetJobResponse:
    return admin.stub(role, sub="backend").GetJob(pb.GetJobRequest(queue="tickets", job_id=job_id))


def reschedule(admin: RunningQueueAdmin, job_id: str, due_at: int | None = None) -> str:
    request = pb.RescheduleJobRequest(queue="tickets", job_id=job_id, due_at=due_at, reason="she called")
    return job_pb2.ActionOutcome.Name(admin.stub("OPS", sub="olga").RescheduleJob(request).outcome)


def test_a_delayed_job_is_put_off_and_then_run_now_each_with_its_record(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one", due_at=NOON)

    outcomes = [reschedule(queue_admin, "one", due) for due in (NOON + 5, NOON + 5, None, None)]

    assert outcomes == [f"ACTION_OUTCOME_{word}" for word in ("RESCHEDULED", "UNCHANGED", "RESCHEDULED", "UNCHANGED")]
    assert [lease.job_id for lease in queue_admin.take()] == ["one"]
    records = queue_admin.recorded()
    assert {(r.action, r.job_id, r.actor, r.reason) for r in records} == {
        (audit_service_pb2.AUDIT_ACTION_RESCHEDULE, "one", "olga", "she called")
    }
    assert [orjson.loads(r.detail) for r in records] == [
        {"oldDueAt": NOON, "newDueAt": NOON + 5},
        {"oldDueAt": NOON + 5, "newDueAt": None},
    ]


def test_what_runs_or_lives_in_the_view_cannot_be_rescheduled(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one")
    queue_admin.take()

    with refused("WRONG_STATE") as call:
        reschedule(queue_admin, "one", NOON)
    assert call.error.detail == "job 'one' is active and cannot be rescheduled"
    with refused("QUEUE_RESERVED"):
        queue_admin.stub("OPS").RescheduleJob(pb.RescheduleJobRequest(queue="dead-letter", job_id="tickets:one"))
    assert queue_admin.recorded() == []


def test_jobs_are_found_by_id_everywhere_and_by_beginnings_in_a_queue(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "seven", "seventy")
    enqueue(queue_admin, "seven", queue="notifications")
    ops = queue_admin.stub("OPS")

    everywhere = ops.FindJobs(pb.FindJobsRequest(text=" seven "))
    here = ops.FindJobs(pb.FindJobsRequest(text="seven", queue="tickets"))
    by_name = ops.FindJobs(pb.FindJobsRequest(text="ticket.", queue="tickets", limit=1))

    assert [(job.queue, job.id) for job in everywhere.jobs] == [("notifications", "seven"), ("tickets", "seven")]
    assert (everywhere.complete, everywhere.looked_at) == (True, 0)
    assert ([job.id for job in here.jobs], here.complete, here.looked_at) == (["seven", "seventy"], True, 2)
    assert (len(by_name.jobs), by_name.complete) == (1, False)


def test_dead_jobs_are_found_in_the_view_by_their_entry(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("seven")

    (job,) = queue_admin.stub("OPS").FindJobs(pb.FindJobsRequest(text="sev", queue="dead-letter")).jobs

    assert (job.id, job.queue, job.original_queue) == ("tickets:seven", "dead-letter", "tickets")


@pytest.mark.parametrize("text", ["", "  "])
def test_a_search_for_nothing_is_refused(queue_admin: RunningQueueAdmin, text: str) -> None:
    with refused("INVALID_REQUEST") as call:
        queue_admin.stub("OPS").FindJobs(pb.FindJobsRequest(text=text, queue="tickets"))

    assert list(call.fields) == ["text"]


def test_a_job_that_does_not_run_says_why(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "first", "second")
    enqueue(queue_admin, "later", due_at=NOON)

    assert get(queue_admin, "second").explanation == "1 job is taken before it."
    assert get(queue_admin, "later").explanation == "It is due at 2100-01-01 12:00:00 UTC."
    queue_admin.stub("OPS", sub="olga").PauseQueue(pb.PauseQueueRequest(queue="tickets", reason="no provider"))
    assert get(queue_admin, "first").explanation.startswith("The queue has been paused by olga since 2")
    assert get(queue_admin, "first").explanation.endswith(" UTC: no provider.")


def test_nobody_who_serves_a_queue_or_can_run_a_type_is_said(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.engine.enqueue_job("tickets", NewJob("one", "ticket.strange", b"{}"))
    queue_admin.engine.enqueue_job("elsewhere", NewJob("one", "ticket.created", b"{}"))

    elsewhere = queue_admin.stub("OPS").GetJob(pb.GetJobRequest(queue="elsewhere", job_id="one"))

    assert get(queue_admin, "one").explanation == "No live worker can run jobs of the type ticket.strange."
    assert elsewhere.explanation == "No live worker serves the queue elsewhere."


def test_a_finished_or_running_job_has_nothing_to_explain_and_a_backend_is_told_nothing(
    queue_admin: RunningQueueAdmin,
) -> None:
    enqueue(queue_admin, "waits")
    assert not get(queue_admin, "waits", role="SERVICE").HasField("explanation")
    (lease,) = queue_admin.take()
    assert not get(queue_admin, "waits").HasField("explanation")
    queue_admin.stub("OPS").CancelJob(pb.CancelJobRequest(queue="tickets", job_id="waits"))
    assert get(queue_admin, "waits").explanation.startswith("Its cancel was asked for")
    queue_admin.complete(lease)
    assert not get(queue_admin, "waits").HasField("explanation")


def test_a_job_shows_who_enqueued_it_and_whom_it_enqueued(queue_admin: RunningQueueAdmin) -> None:
    engine = queue_admin.engine
    parent = JobRef("notifications", "cause")
    engine.enqueue_job("tickets", NewJob("one", "ticket.created", b"{}", owner="backend", parent=parent))
    (lease,) = queue_admin.take()
    engine.add_children(lease, [JobRef("notifications", "a"), JobRef("tickets", "b:c")], worker=WORKER)

    related = get(queue_admin, "one").related

    assert [(r.relation, r.queue, r.id) for r in related] == [
        (pb.RELATION_PARENT, "notifications", "cause"),
        (pb.RELATION_CHILD, "notifications", "a"),
        (pb.RELATION_CHILD, "tickets", "b:c"),
    ]
    assert list(get(queue_admin, "one", role="SERVICE").related) == []

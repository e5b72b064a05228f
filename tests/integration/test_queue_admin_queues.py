from __future__ import annotations

from typing import Any

import pytest

from fixtures.queue_admin import RunningQueueAdmin, a_job_type
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused

PAUSE, RESUME = audit_service_pb2.AUDIT_ACTION_PAUSE, audit_service_pb2.AUDIT_ACTION_RESUME


def enqueue(admin: RunningQueueAdmin, *job_ids: str, delay: int | None = None) -> None:
    jobs = [
        pb.NewJob(name="ticket.created", data=b'{"ticketId":"7"}', opts=job_pb2.JobOptions(job_id=job_id, delay=delay))
        for job_id in job_ids
    ]
    admin.stub("SERVICE", sub="backend").EnqueueJobs(pb.EnqueueJobsRequest(queue="tickets", jobs=jobs))


def page_of(
    admin: RunningQueueAdmin, state: job_pb2.JobState.ValueType, *, queue: str = "tickets", **page: Any
) -> pb.QueueJobs:
    return admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue=queue, status=state, **page)).page


def test_queues_come_in_the_order_of_the_overview_and_exist_while_empty(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.register(a_job_type("z", "zebra"), a_job_type("a", "apples"))

    names = [queue.name for queue in queue_admin.stub("OPS").ListQueues(pb.ListQueuesRequest()).queues]

    assert names == ["tickets", "notifications", "dead-letter", "apples", "zebra"]


def test_a_queue_shows_what_its_tabs_hold(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "dies", "completes", "runs", "waits")
    enqueue(queue_admin, "later", delay=60_000)
    dies, completes, _ = queue_admin.take(want=3)
    queue_admin.bury(dies)
    queue_admin.complete(completes)

    queue = queue_admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue="tickets")).queue

    assert (queue.waiting, queue.active, queue.delayed, queue.completed, queue.failed, queue.dead) == (1, 1, 1, 1, 1, 1)
    assert (queue.completed_total, queue.failed_total, queue.paused) == (1, 1, False)
    assert queue.HasField("oldest_waiting_ms")
    assert queue.workers == 1


def test_a_page_can_begin_at_either_end(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one", "two", "three")

    for order, ids in ((pb.JOB_ORDER_OLDEST, ["one", "two", "three"]), (pb.JOB_ORDER_NEWEST, ["three", "two", "one"])):
        assert [job.id for job in page_of(queue_admin, job_pb2.JOB_STATE_WAITING, order=order).jobs] == ids
    with refused("INVALID_REQUEST") as call:
        queue_admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue="tickets", order=pb.JOB_ORDER_NEWEST))
    assert call.fields == {"order": "needs a status"}


def test_the_last_hour_is_shown_by_minute(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one", "two")

    minutes = queue_admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue="tickets")).queue.minutes

    assert len(minutes) == 60
    assert sum(minute.added for minute in minutes) == 2
    assert [m.timestamp for m in minutes] == sorted(m.timestamp for m in minutes)


def test_jobs_are_listed_only_when_a_status_is_given(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one")

    assert not queue_admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue="tickets")).HasField("page")
    assert [job.id for job in page_of(queue_admin, job_pb2.JOB_STATE_WAITING).jobs] == ["one"]


def test_pages_are_25_long_unless_the_caller_says(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, *(f"job-{n:02}" for n in range(60)))

    usual = page_of(queue_admin, job_pb2.JOB_STATE_WAITING)
    last = page_of(queue_admin, job_pb2.JOB_STATE_WAITING, page=6, page_size=11)

    assert len(usual.jobs) == 25
    assert usual.pagination == job_pb2.Pagination(page=1, page_size=25, total=60, total_pages=3)
    assert [job.id for job in last.jobs] == [f"job-{n:02}" for n in range(55, 60)]
    assert last.pagination == job_pb2.Pagination(page=6, page_size=11, total=60, total_pages=6)


def test_a_page_behind_the_last_one_is_empty(queue_admin: RunningQueueAdmin) -> None:
    found = page_of(queue_admin, job_pb2.JOB_STATE_COMPLETED, page=9)

    assert list(found.jobs) == []
    assert found.pagination == job_pb2.Pagination(page=9, page_size=25, total=0, total_pages=0)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param({"status": 2, "page": 0}, "page", id="page 0"),
        pytest.param({"status": 2, "page_size": 101}, "pageSize", id="page too long"),
        pytest.param({"status": 9}, "status", id="unknown status"),
        pytest.param({"status": 0}, "status", id="unspecified status"),
        pytest.param({"queue": "Tickets"}, "queue", id="malformed queue"),
    ],
)
def test_what_is_out_of_range_is_named(queue_admin: RunningQueueAdmin, request_: dict[str, int], field: str) -> None:
    request = pb.GetQueueRequest(**{"queue": "tickets", **request_})  # type: ignore[arg-type]

    with refused("INVALID_REQUEST") as call:
        queue_admin.stub("OPS").GetQueue(request)

    assert list(call.fields) == [field]


def test_an_unknown_queue_is_not_found(queue_admin: RunningQueueAdmin) -> None:
    with refused("QUEUE_NOT_FOUND"):
        queue_admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue="elsewhere"))


def test_a_paused_queue_hands_out_nothing_and_says_by_whom(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin, "one")
    ops = queue_admin.stub("OPS", sub="olga")

    first = ops.PauseQueue(pb.PauseQueueRequest(queue="tickets", reason="provider down"))
    again = ops.PauseQueue(pb.PauseQueueRequest(queue="tickets", reason="provider down"))

    assert (first.outcome, again.outcome) == (job_pb2.ACTION_OUTCOME_PAUSED, job_pb2.ACTION_OUTCOME_UNCHANGED)
    assert queue_admin.take() == ()
    queue = ops.GetQueue(pb.GetQueueRequest(queue="tickets")).queue
    assert (queue.paused, queue.paused_by, queue.paused_reason) == (True, "olga", "provider down")
    assert ops.ResumeQueue(pb.ResumeQueueRequest(queue="tickets")).outcome == job_pb2.ACTION_OUTCOME_RESUMED
    assert len(queue_admin.take()) == 1
    records = queue_admin.recorded()
    assert [(r.action, r.job_id, r.actor) for r in records] == [(PAUSE, "", "olga"), (RESUME, "", "olga")]


def test_the_dead_letter_view_cannot_be_paused(queue_admin: RunningQueueAdmin) -> None:
    with refused("QUEUE_RESERVED"):
        queue_admin.stub("OPS").PauseQueue(pb.PauseQueueRequest(queue="dead-letter"))

from __future__ import annotations

from typing import Any

import pytest

from fixtures.queue_admin import RunningQueueAdmin
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.domain.job import NewJob
from support.calls import refused

FAILED, WAITING, ACTIVE = job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_ACTIVE


def retry(admin: RunningQueueAdmin, queue: str = "tickets", **which: object) -> pb.RetryJobsResponse:
    request = pb.RetryJobsRequest(**{"queue": queue, "status": FAILED, "reason": "fixed", **which})  # type: ignore[arg-type]
    return admin.stub("OPS", sub="olga").RetryJobs(request)


def remove(admin: RunningQueueAdmin, queue: str = "tickets", **which: object) -> pb.RemoveJobsResponse:
    request = pb.RemoveJobsRequest(**{"queue": queue, "status": FAILED, "reason": "junk", **which})  # type: ignore[arg-type]
    return admin.stub("OPS", sub="olga").RemoveJobs(request)


def cancel(admin: RunningQueueAdmin, queue: str = "tickets", **which: object) -> pb.CancelJobsResponse:
    request = pb.CancelJobsRequest(**{"queue": queue, "status": WAITING, "reason": "a mistake", **which})  # type: ignore[arg-type]
    return admin.stub("OPS", sub="olga").CancelJobs(request)


def test_all_failed_jobs_are_retried_each_with_its_record(queue_admin: RunningQueueAdmin) -> None:
    for job_id in ("one", "two"):
        queue_admin.bury_job(job_id)

    answer = retry(queue_admin)

    assert (answer.matched, answer.done, list(answer.skipped)) == (2, 2, [])
    assert queue_admin.engine.count_jobs("tickets").waiting == 2
    recorded = queue_admin.recorded()
    assert sorted((r.job_id, r.reason) for r in recorded) == [("one", "fixed"), ("two", "fixed")]
    assert len({r.event_id for r in recorded}) == 2


def test_conditions_narrow_what_is_meant(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one", reason="SMTP refused")
    queue_admin.bury_job("two", reason="no such user")

    assert retry(queue_admin, name="other.type").matched == 0
    assert retry(queue_admin, finished_before=1).matched == 0
    assert retry(queue_admin, error_contains="SMTP").done == 1
    assert queue_admin.engine.get_job("tickets", "two").job.dead


def test_given_ids_that_cannot_be_retried_are_named_with_the_reason(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    answer = retry(queue_admin, ids=["one", "none"])

    assert (answer.matched, answer.done) == (1, 1)
    assert [skipped.id for skipped in answer.skipped] == ["none"]
    assert answer.skipped[0].why


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    for answer in (retry(queue_admin, dry_run=True), remove(queue_admin, dry_run=True)):
        assert (answer.matched, answer.done) == (1, 1)
    assert queue_admin.engine.get_job("tickets", "one").job.dead
    assert queue_admin.recorded() == []


def test_no_more_than_the_limit_is_touched(queue_admin: RunningQueueAdmin) -> None:
    for job_id in ("one", "two", "three"):
        queue_admin.bury_job(job_id)

    assert remove(queue_admin, limit=2).done == 2
    assert queue_admin.engine.count_jobs("tickets").failed == 1


def test_waiting_jobs_can_be_removed_too(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    retry(queue_admin)

    assert remove(queue_admin, status=WAITING).done == 1
    with refused("JOB_NOT_FOUND"):
        queue_admin.stub("OPS").GetJob(pb.GetJobRequest(queue="tickets", job_id="one"))


def test_waiting_and_running_jobs_are_cancelled_each_with_its_record(queue_admin: RunningQueueAdmin) -> None:
    for job_id in ("runs", "waits", "waits-too"):
        queue_admin.engine.enqueue_job("tickets", NewJob(job_id, "ticket.created", b"{}"))
    queue_admin.take()

    dry = cancel(queue_admin, dry_run=True)
    assert (dry.matched, dry.done) == (2, 2)
    assert queue_admin.engine.count_jobs("tickets").waiting == 2
    assert cancel(queue_admin).done == 2
    assert cancel(queue_admin, status=ACTIVE).done == 1

    assert queue_admin.engine.get_job("tickets", "waits").job.failed_reason == "a mistake"
    assert queue_admin.engine.get_job("tickets", "runs").job.cancel_requested
    recorded = queue_admin.recorded()
    assert sorted((r.job_id, r.reason) for r in recorded) == [
        ("runs", "a mistake"),
        ("waits", "a mistake"),
        ("waits-too", "a mistake"),
    ]
    assert {r.action for r in recorded} == {audit_service_pb2.AUDIT_ACTION_CANCEL}
    assert len({r.event_id for r in recorded}) == 3


def test_statuses_that_make_no_sense_are_refused(queue_admin: RunningQueueAdmin) -> None:
    with refused("INVALID_REQUEST") as call:
        retry(queue_admin, status=WAITING)
    assert call.fields == {"status": "must be failed"}

    with refused("INVALID_REQUEST") as call:
        remove(queue_admin, status=ACTIVE)
    assert call.fields == {"status": "must not be active"}

    with refused("INVALID_REQUEST") as call:
        cancel(queue_admin, status=FAILED)
    assert call.fields == {"status": "must be one of waiting, delayed, active"}

    with refused("QUEUE_RESERVED"):
        cancel(queue_admin, queue="dead-letter")


@pytest.mark.parametrize(
    ("which", "field"),
    [
        pytest.param({"reason": ""}, "reason", id="no reason"),
        pytest.param({"status": 0}, "status", id="no status"),
        pytest.param({"limit": 1001}, "limit", id="limit"),
        pytest.param({"ids": ["fine", "not fine"]}, "ids[1]", id="malformed id"),
    ],
)
def test_a_malformed_bulk_request_names_the_field(
    queue_admin: RunningQueueAdmin, which: dict[str, Any], field: str
) -> None:
    for verb in (retry, remove, cancel):
        with refused("INVALID_REQUEST") as call:
            verb(queue_admin, **which)
        assert list(call.fields) == [field]


def test_bulk_actions_on_an_unknown_queue_are_refused(queue_admin: RunningQueueAdmin) -> None:
    with refused("QUEUE_NOT_FOUND"):
        retry(queue_admin, queue="elsewhere")
    with refused("QUEUE_NOT_FOUND"):
        cancel(queue_admin, queue="elsewhere")


def test_through_the_dead_letter_view_the_dead_jobs_of_all_queues_are_meant(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    queue_admin.bury_job("two", queue="notifications")

    answer = retry(queue_admin, queue="dead-letter")

    assert (answer.matched, answer.done) == (2, 2)
    assert [queue_admin.engine.count_jobs(q).waiting for q in ("tickets", "notifications")] == [1, 1]


def test_ids_of_the_view_name_the_queue_too(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    queue_admin.bury_job("two", queue="notifications")

    answer = remove(queue_admin, queue="dead-letter", ids=["tickets:one", "notifications:none"])

    assert (answer.matched, answer.done) == (1, 1)
    assert [skipped.id for skipped in answer.skipped] == ["notifications:none"]
    assert queue_admin.engine.get_job("notifications", "two").job.dead

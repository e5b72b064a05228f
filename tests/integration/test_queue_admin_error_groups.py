from __future__ import annotations

import pytest

from fixtures.queue_admin import RunningQueueAdmin
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused

FAILED = job_pb2.JOB_STATE_FAILED


def groups(admin: RunningQueueAdmin, queue: str = "tickets") -> list[pb.ErrorGroup]:
    return list(admin.stub("OPS").ListErrorGroups(pb.ListErrorGroupsRequest(queue=queue)).groups)


@pytest.fixture
def failures(queue_admin: RunningQueueAdmin) -> RunningQueueAdmin:
    """Two dead tickets of one kind, one of another, and a dead notification of the first kind's words."""
    queue_admin.bury_job("one", reason="no answer from 10.0.0.1 after 5 s")
    queue_admin.bury_job("two", reason="no answer from 10.0.0.2 after 7 s")
    queue_admin.bury_job("three", reason="boom")
    queue_admin.bury_job("four", queue="notifications", reason="boom")
    return queue_admin


def test_groups_tell_what_failed_how_often_and_when(failures: RunningQueueAdmin) -> None:
    first, second = groups(failures)

    said = (first.name, first.error_class, first.line, first.count, first.dead)
    assert said == ("ticket.created", "ValueError", "no answer from <number> after <number> s", 2, True)
    assert 0 < first.first_seen <= first.last_seen
    assert (second.line, second.count) == ("boom", 1)


def test_a_group_is_a_filter_of_the_failed_tab(failures: RunningQueueAdmin) -> None:
    group = groups(failures)[0].id
    request = pb.GetQueueRequest(queue="tickets", status=FAILED, group=group, page_size=1)

    page = failures.stub("OPS").GetQueue(request).page

    assert [(job.id, job.group) for job in page.jobs] == [("two", group)]
    assert (page.pagination.total, page.pagination.total_pages) == (2, 2)


def test_a_group_of_dead_letter_spans_the_queues_and_leads_to_their_jobs(failures: RunningQueueAdmin) -> None:
    found = groups(failures, "dead-letter")
    tickets, notifications = (
        [g for g in found if g.line == "boom" and g.name == name] for name in ("ticket.created", "send-notification")
    )

    assert sum(group.count for group in found) == 4
    assert [len(tickets), len(notifications)] == [1, 1]
    request = pb.GetQueueRequest(queue="dead-letter", status=FAILED, group=notifications[0].id)
    assert [job.id for job in failures.stub("OPS").GetQueue(request).page.jobs] == ["notifications:four"]


def test_bulk_calls_take_a_group(failures: RunningQueueAdmin) -> None:
    largest, other = (group.id for group in groups(failures))
    ops = failures.stub("OPS")

    dry = ops.RetryJobs(
        pb.RetryJobsRequest(queue="tickets", status=FAILED, group=largest, dry_run=True, reason="provider is back")
    )
    retried = ops.RetryJobs(
        pb.RetryJobsRequest(queue="tickets", status=FAILED, group=largest, reason="provider is back")
    )
    removed = ops.RemoveJobs(pb.RemoveJobsRequest(queue="tickets", status=FAILED, group=other, reason="obsolete"))

    assert (dry.matched, retried.done, removed.done) == (2, 2, 1)
    assert groups(failures) == []
    assert len(failures.recorded()) == 3


@pytest.mark.parametrize("status", [None, job_pb2.JOB_STATE_WAITING])
def test_a_group_of_jobs_that_did_not_fail_is_refused(
    failures: RunningQueueAdmin, status: job_pb2.JobState.ValueType | None
) -> None:
    with refused("INVALID_REQUEST") as call:
        failures.stub("OPS").GetQueue(pb.GetQueueRequest(queue="tickets", status=status, group="d" + "0" * 16))

    assert call.fields == {"group": "needs the status failed"}


def test_a_malformed_group_is_refused(failures: RunningQueueAdmin) -> None:
    with refused("INVALID_REQUEST") as call:
        failures.stub("OPS").GetQueue(pb.GetQueueRequest(queue="tickets", status=FAILED, group="waiting"))

    assert list(call.fields) == ["group"]

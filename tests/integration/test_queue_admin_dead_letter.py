from __future__ import annotations

from typing import Any

from fixtures.queue_admin import RunningQueueAdmin
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused

VIEW = "dead-letter"
FAILED = job_pb2.JOB_STATE_FAILED


def entries(admin: RunningQueueAdmin, **page: Any) -> pb.QueueJobs:
    return admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue=VIEW, status=FAILED, **page)).page


def test_the_view_lists_dead_jobs_of_all_queues_newest_first(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    queue_admin.bury_job("two", queue="notifications")
    queue_admin.bury_job("tickets:odd")

    jobs = entries(queue_admin).jobs

    assert [(j.id, j.queue, j.original_queue, j.dead) for j in jobs] == [
        ("tickets:tickets:odd", VIEW, "tickets", True),
        ("notifications:two", VIEW, "notifications", True),
        ("tickets:one", VIEW, "tickets", True),
    ]
    assert entries(queue_admin, page=2, page_size=2).jobs[0].id == "tickets:one"
    assert entries(queue_admin).pagination.total == 3


def test_the_view_counts_its_entries_as_failed_and_nothing_else(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    queue = queue_admin.stub("OPS").GetQueue(pb.GetQueueRequest(queue=VIEW)).queue

    assert (queue.name, queue.failed, queue.dead) == (VIEW, 1, 1)
    assert (queue.waiting, queue.active, queue.delayed, queue.completed, queue.failed_total) == (0, 0, 0, 0, 0)


def test_an_entry_is_the_job_itself(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    shown = queue_admin.stub("OPS").GetJob(pb.GetJobRequest(queue=VIEW, job_id="tickets:one"))

    assert (shown.job.id, shown.job.queue, shown.job.original_queue) == ("tickets:one", VIEW, "tickets")
    assert (shown.job.name, shown.job.data, shown.job.failed_reason) == ("ticket.created", b'{"ticketId":"7"}', "boom")


def test_retry_through_the_view_acts_on_the_job_itself_once(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    ops = queue_admin.stub("OPS")
    request = pb.RetryJobRequest(queue=VIEW, job_id="tickets:one", data=b'{"ticketId":"8"}')

    assert ops.RetryJob(request).outcome == job_pb2.ACTION_OUTCOME_RETRIED

    job = queue_admin.engine.get_job("tickets", "one").job
    assert (job.state, job.data) == ("waiting", b'{"ticketId":"8"}')
    assert list(entries(queue_admin).jobs) == []
    with refused("JOB_NOT_FOUND"):
        ops.RetryJob(request)


def test_data_edited_in_the_view_must_fit_the_schema(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    with refused("PAYLOAD_INVALID"):
        queue_admin.stub("OPS").RetryJob(pb.RetryJobRequest(queue=VIEW, job_id="tickets:one", data=b"{}"))


def test_remove_through_the_view_removes_the_job(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")

    queue_admin.stub("OPS", sub="olga").RemoveJob(pb.RemoveJobRequest(queue=VIEW, job_id="tickets:one"))

    with refused("JOB_NOT_FOUND"):
        queue_admin.stub("OPS").GetJob(pb.GetJobRequest(queue="tickets", job_id="one"))
    assert [(r.queue, r.job_id, r.actor) for r in queue_admin.recorded()] == [("tickets", "one", "olga")]


def test_a_job_that_is_not_dead_is_not_in_the_view(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    ops = queue_admin.stub("OPS")
    ops.RetryJob(pb.RetryJobRequest(queue="tickets", job_id="one"))

    with refused("JOB_NOT_FOUND"):
        ops.GetJob(pb.GetJobRequest(queue=VIEW, job_id="tickets:one"))
    with refused("JOB_NOT_FOUND"):
        ops.RemoveJob(pb.RemoveJobRequest(queue=VIEW, job_id="tickets:one"))
    assert queue_admin.engine.get_job("tickets", "one").job.state == "waiting"


def test_an_id_that_names_no_queue_is_not_in_the_view(queue_admin: RunningQueueAdmin) -> None:
    with refused("JOB_NOT_FOUND"):
        queue_admin.stub("OPS").GetJob(pb.GetJobRequest(queue=VIEW, job_id="one"))


def test_the_dead_letter_of_another_backend_does_not_exist_to_a_backend(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    request = pb.GetJobRequest(queue=VIEW, job_id="tickets:one")

    assert queue_admin.stub("SERVICE", sub="backend").GetJob(request).job.dead
    with refused("JOB_NOT_FOUND"):
        queue_admin.stub("SERVICE", sub="stranger").GetJob(request)

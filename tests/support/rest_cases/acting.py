"""Cases of what operators do to jobs, queues and workers."""

from __future__ import annotations

from typing import Any

from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.rest_cases.case import (
    ADMIN,
    DELAYED,
    FAILED,
    QUEUE,
    SERVICE,
    Case,
    cancelled,
    delayed,
)


def job_action(name: str, method: str, verb: str, kind: Any, **more: Any) -> Case:
    """A case of retry, remove or cancel."""
    return Case(
        name,
        method,
        lambda job: kind(queue=QUEUE, job_id=job, reason="a case"),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}/{job}/{verb}", {"reason": "a case"}),
        **more,
    )


CASES: list[Case] = [
    job_action("retry a cancelled job", "RetryJob", "retry", pb.RetryJobRequest, prepare=cancelled),
    job_action("retry a delayed job", "RetryJob", "retry", pb.RetryJobRequest, code="WRONG_STATE", prepare=delayed),
    job_action("retry an unknown job", "RetryJob", "retry", pb.RetryJobRequest, code="JOB_NOT_FOUND"),
    job_action("retry by a backend", "RetryJob", "retry", pb.RetryJobRequest, code="ROLE_REQUIRED", by=SERVICE),
    Case(
        "retry with data that does not fit",
        "RetryJob",
        lambda job: pb.RetryJobRequest(queue=QUEUE, job_id=job, data=b'{"type":"pigeon"}'),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}/{job}/retry", {"data": {"type": "pigeon"}}),
        "PAYLOAD_INVALID",
        prepare=cancelled,
    ),
    job_action("remove a delayed job", "RemoveJob", "remove", pb.RemoveJobRequest, prepare=delayed),
    job_action("remove an unknown job", "RemoveJob", "remove", pb.RemoveJobRequest, code="JOB_NOT_FOUND"),
    job_action("cancel a delayed job", "CancelJob", "cancel", pb.CancelJobRequest, prepare=delayed),
    job_action(
        "cancel a cancelled job", "CancelJob", "cancel", pb.CancelJobRequest, code="WRONG_STATE", prepare=cancelled
    ),
    job_action(
        "cancel somebody else's job",
        "CancelJob",
        "cancel",
        pb.CancelJobRequest,
        code="JOB_NOT_FOUND",
        prepare=delayed,
        by=SERVICE,
    ),
    Case(
        "reschedule a delayed job",
        "RescheduleJob",
        lambda job: pb.RescheduleJobRequest(queue=QUEUE, job_id=job, due_at=4_102_444_800_000, reason="a case"),
        lambda job: (
            "POST",
            f"/jobs/queues/{QUEUE}/{job}/reschedule",
            {"dueAt": 4_102_444_800_000, "reason": "a case"},
        ),
        prepare=delayed,
    ),
    job_action(
        "reschedule a cancelled job",
        "RescheduleJob",
        "reschedule",
        pb.RescheduleJobRequest,
        code="WRONG_STATE",
        prepare=cancelled,
    ),
    job_action(
        "reschedule by a backend",
        "RescheduleJob",
        "reschedule",
        pb.RescheduleJobRequest,
        code="ROLE_REQUIRED",
        by=SERVICE,
    ),
    Case(
        "reschedule to a time that is no time",
        "RescheduleJob",
        lambda job: pb.RescheduleJobRequest(queue=QUEUE, job_id=job, due_at=-1),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}/{job}/reschedule", {"dueAt": -1}),
        "INVALID_REQUEST",
    ),
    Case(
        "a reason that is too long",
        "CancelJob",
        lambda job: pb.CancelJobRequest(queue=QUEUE, job_id=job, reason="r" * 1_001),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}/{job}/cancel", {"reason": "r" * 1_001}),
        "INVALID_REQUEST",
    ),
    Case(
        "pause dead-letter",
        "PauseQueue",
        lambda _: pb.PauseQueueRequest(queue="dead-letter"),
        lambda _: ("POST", "/jobs/queues/dead-letter/pause"),
        "QUEUE_RESERVED",
    ),
    Case(
        "resume a queue that is not paused",
        "ResumeQueue",
        lambda _: pb.ResumeQueueRequest(queue=QUEUE),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/resume", {}),
    ),
    Case(
        "prove a queue",
        "ReconcileQueue",
        lambda _: pb.ReconcileQueueRequest(queue=QUEUE),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/reconcile", {}),
        by=ADMIN,
        numbers=True,
    ),
    Case(
        "prove a queue as an operator",
        "ReconcileQueue",
        lambda _: pb.ReconcileQueueRequest(queue=QUEUE),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/reconcile", {}),
        "ROLE_REQUIRED",
    ),
    Case(
        "repair a queue without a reason",
        "ReconcileQueue",
        lambda _: pb.ReconcileQueueRequest(queue=QUEUE, repair=True),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/reconcile", {"repair": True}),
        "INVALID_REQUEST",
        by=ADMIN,
    ),
    Case(
        "prove a queue from nowhere",
        "ReconcileQueue",
        lambda _: pb.ReconcileQueueRequest(queue=QUEUE, next="nowhere"),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/reconcile", {"next": "nowhere"}),
        "INVALID_REQUEST",
        by=ADMIN,
    ),
    Case(
        "what erasing a person would do",
        "EraseSubject",
        lambda _: pb.EraseSubjectRequest(queue=QUEUE, subject="nobody-7", reason="a case", dry_run=True),
        lambda _: (
            "POST",
            f"/jobs/queues/{QUEUE}/erase",
            {"subject": "nobody-7", "reason": "a case", "dryRun": True},
        ),
        by=ADMIN,
        numbers=True,
    ),
    Case(
        "erase a person as an operator",
        "EraseSubject",
        lambda _: pb.EraseSubjectRequest(queue=QUEUE, subject="nobody-7", reason="a case"),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/erase", {"subject": "nobody-7", "reason": "a case"}),
        "ROLE_REQUIRED",
    ),
    Case(
        "erase a person and name it for ever",
        "EraseSubject",
        lambda _: pb.EraseSubjectRequest(queue=QUEUE, subject="nobody-7", reason="nobody-7 asked for it"),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/erase", {"subject": "nobody-7", "reason": "nobody-7 asked for it"}),
        "INVALID_REQUEST",
        by=ADMIN,
    ),
    Case(
        "what a bulk retry would do",
        "RetryJobs",
        lambda job: pb.RetryJobsRequest(queue=QUEUE, status=FAILED, ids=[job, "none"], dry_run=True, reason="a case"),
        lambda job: (
            "POST",
            f"/jobs/queues/{QUEUE}/retry",
            {"status": "failed", "ids": [job, "none"], "dryRun": True, "reason": "a case"},
        ),
        prepare=cancelled,
    ),
    Case(
        "a bulk remove",
        "RemoveJobs",
        lambda job: pb.RemoveJobsRequest(queue=QUEUE, status=DELAYED, ids=[job], reason="a case"),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}/remove", {"status": "delayed", "ids": [job], "reason": "a case"}),
        prepare=delayed,
    ),
    Case(
        "a bulk cancel",
        "CancelJobs",
        lambda job: pb.CancelJobsRequest(queue=QUEUE, status=DELAYED, ids=[job, "none"], reason="a case"),
        lambda job: (
            "POST",
            f"/jobs/queues/{QUEUE}/cancel",
            {"status": "delayed", "ids": [job, "none"], "reason": "a case"},
        ),
        prepare=delayed,
    ),
    Case(
        "what a bulk cancel would do",
        "CancelJobs",
        lambda job: pb.CancelJobsRequest(
            queue=QUEUE, status=DELAYED, accepted_before=4_102_444_800_000, ids=[job], dry_run=True, reason="a case"
        ),
        lambda job: (
            "POST",
            f"/jobs/queues/{QUEUE}/cancel",
            {
                "status": "delayed",
                "acceptedBefore": 4_102_444_800_000,
                "ids": [job],
                "dryRun": True,
                "reason": "a case",
            },
        ),
        prepare=delayed,
    ),
    Case(
        "a bulk cancel of jobs that have ended",
        "CancelJobs",
        lambda _: pb.CancelJobsRequest(queue=QUEUE, status=FAILED, reason="a case"),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/cancel", {"status": "failed", "reason": "a case"}),
        "INVALID_REQUEST",
    ),
    Case(
        "a bulk cancel of dead letters",
        "CancelJobs",
        lambda _: pb.CancelJobsRequest(queue="dead-letter", status=DELAYED, reason="a case"),
        lambda _: ("POST", "/jobs/queues/dead-letter/cancel", {"status": "delayed", "reason": "a case"}),
        "QUEUE_RESERVED",
    ),
    Case(
        "a bulk cancel by a backend",
        "CancelJobs",
        lambda _: pb.CancelJobsRequest(queue=QUEUE, status=DELAYED, reason="a case"),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/cancel", {"status": "delayed", "reason": "a case"}),
        "ROLE_REQUIRED",
        by=SERVICE,
    ),
    Case(
        "a bulk retry of jobs that did not fail",
        "RetryJobs",
        lambda _: pb.RetryJobsRequest(queue=QUEUE, status=DELAYED, reason="a case"),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/retry", {"status": "delayed", "reason": "a case"}),
        "INVALID_REQUEST",
    ),
    Case(
        "what a bulk remove of an error group would do",
        "RemoveJobs",
        lambda _: pb.RemoveJobsRequest(queue=QUEUE, status=FAILED, group="c" + "0" * 16, dry_run=True, reason="a case"),
        lambda _: (
            "POST",
            f"/jobs/queues/{QUEUE}/remove",
            {"status": "failed", "group": "c" + "0" * 16, "dryRun": True, "reason": "a case"},
        ),
    ),
    Case(
        "a bulk retry without a reason",
        "RetryJobs",
        lambda _: pb.RetryJobsRequest(queue=QUEUE, status=FAILED),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/retry", {"status": "failed"}),
        "INVALID_REQUEST",
    ),
    Case(
        "drain an unknown worker",
        "DrainWorker",
        lambda _: pb.DrainWorkerRequest(worker_id="no-such-worker"),
        lambda _: ("POST", "/jobs/workers/no-such-worker/drain"),
        "WORKER_NOT_FOUND",
        by=ADMIN,
    ),
    Case(
        "drain a worker as an operator",
        "DrainWorker",
        lambda _: pb.DrainWorkerRequest(worker_id="no-such-worker"),
        lambda _: ("POST", "/jobs/workers/no-such-worker/drain"),
        "ROLE_REQUIRED",
    ),
    Case(
        "resume an unknown worker",
        "ResumeWorker",
        lambda _: pb.ResumeWorkerRequest(worker_id="no-such-worker"),
        lambda _: ("POST", "/jobs/workers/no-such-worker/resume"),
        "WORKER_NOT_FOUND",
        by=ADMIN,
    ),
]

"""Cases of reading queues, jobs, types, workers and audit records."""

from __future__ import annotations

from jobqueue.audit.v1 import audit_service_pb2 as audit_pb
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.rest_cases.case import (
    FAILED,
    QUEUE,
    SERVICE,
    Case,
    audited,
    cancelled,
    delayed,
)

CASES: list[Case] = [
    Case("all queues", "ListQueues", lambda _: pb.ListQueuesRequest(), lambda _: ("GET", "/jobs/queues")),
    Case(
        "all queues for a backend",
        "ListQueues",
        lambda _: pb.ListQueuesRequest(),
        lambda _: ("GET", "/jobs/queues"),
        "ROLE_REQUIRED",
        by=SERVICE,
    ),
    Case(
        "one queue",
        "GetQueue",
        lambda _: pb.GetQueueRequest(queue=QUEUE),
        lambda _: ("GET", f"/jobs/queues/{QUEUE}"),
    ),
    Case(
        "a page of a queue",
        "GetQueue",
        lambda _: pb.GetQueueRequest(queue=QUEUE, status=FAILED, page=1, page_size=2),
        lambda _: ("GET", f"/jobs/queues/{QUEUE}?status=failed&page=1&pageSize=2"),
        prepare=cancelled,
    ),
    Case(
        "a page beyond the last",
        "GetQueue",
        lambda _: pb.GetQueueRequest(queue="dead-letter", status=FAILED, page=1_000_000),
        lambda _: ("GET", "/jobs/queues/dead-letter?status=failed&page=1000000"),
    ),
    Case(
        "a page size out of range",
        "GetQueue",
        lambda _: pb.GetQueueRequest(queue=QUEUE, status=FAILED, page_size=101),
        lambda _: ("GET", f"/jobs/queues/{QUEUE}?status=failed&pageSize=101"),
        "INVALID_REQUEST",
    ),
    Case(
        "a page that is 0",
        "GetQueue",
        lambda _: pb.GetQueueRequest(queue=QUEUE, page=0),
        lambda _: ("GET", f"/jobs/queues/{QUEUE}?page=0"),
        "INVALID_REQUEST",
    ),
    Case(
        "an unknown queue",
        "GetQueue",
        lambda _: pb.GetQueueRequest(queue="no-such-queue"),
        lambda _: ("GET", "/jobs/queues/no-such-queue"),
        "QUEUE_NOT_FOUND",
    ),
    Case(
        "a delayed job",
        "GetJob",
        lambda job: pb.GetJobRequest(queue=QUEUE, job_id=job),
        lambda job: ("GET", f"/jobs/queues/{QUEUE}/{job}"),
        prepare=delayed,
    ),
    Case(
        "a cancelled job",
        "GetJob",
        lambda job: pb.GetJobRequest(queue=QUEUE, job_id=job),
        lambda job: ("GET", f"/jobs/queues/{QUEUE}/{job}"),
        prepare=cancelled,
    ),
    Case(
        "an unknown job",
        "GetJob",
        lambda _: pb.GetJobRequest(queue=QUEUE, job_id="no-such-job"),
        lambda _: ("GET", f"/jobs/queues/{QUEUE}/no-such-job"),
        "JOB_NOT_FOUND",
    ),
    Case(
        "somebody else's job",
        "GetJob",
        lambda job: pb.GetJobRequest(queue=QUEUE, job_id=job),
        lambda job: ("GET", f"/jobs/queues/{QUEUE}/{job}"),
        "JOB_NOT_FOUND",
        prepare=delayed,
        by=SERVICE,
    ),
    Case("the job types", "ListJobTypes", lambda _: pb.ListJobTypesRequest(), lambda _: ("GET", "/jobs/types")),
    Case(
        "the workers",
        "ListWorkers",
        lambda _: pb.ListWorkersRequest(),
        lambda _: ("GET", "/jobs/workers"),
        numbers=True,
    ),
    Case(
        "the audit records of a job",
        "ListEntries",
        lambda job: audit_pb.ListEntriesRequest(job_id=job, action=audit_pb.AUDIT_ACTION_CANCEL),
        lambda job: ("GET", f"/jobs/audit?jobId={job}&action=cancel"),
        prepare=audited,
    ),
    Case(
        "audit records of nobody",
        "ListEntries",
        lambda _: audit_pb.ListEntriesRequest(actor="nobody", page_size=1),
        lambda _: ("GET", "/jobs/audit?actor=nobody&pageSize=1"),
    ),
    Case(
        "a time out of range",
        "ListEntries",
        lambda _: audit_pb.ListEntriesRequest(to=-1),
        lambda _: ("GET", "/jobs/audit?to=-1"),
        "INVALID_REQUEST",
    ),
    Case(
        "the audit chain",
        "VerifyChain",
        lambda _: audit_pb.VerifyChainRequest(),
        lambda _: ("GET", "/jobs/audit/verify"),
    ),
]

"""Cases of handing over jobs."""

from __future__ import annotations

from typing import Any

from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.rest_cases.case import (
    DATA,
    LATER,
    NAME,
    NOBODY,
    QUEUE,
    RAW,
    SERVICE,
    TENANT,
    Case,
    delayed,
    enqueue_body,
    options,
)


def enqueue(name: str, code: str, raw: bytes, *, queue: str = QUEUE, job_name: str = NAME, **more: Any) -> Case:
    """A case of EnqueueJob with the payload as it stands."""
    return Case(
        name,
        "EnqueueJob",
        lambda job: pb.EnqueueJobRequest(queue=queue, name=job_name, data=raw, opts=options(job)),
        lambda job: (
            "POST",
            f"/jobs/queues/{queue}",
            b'{"name":"%s","data":%s,"opts":{"jobId":"%s","delay":%d}}' % (job_name.encode(), raw, job.encode(), LATER),
        ),
        code,
        **more,
    )


CASES: list[Case] = [
    enqueue("a new job", "OK", RAW),
    enqueue("a new job of a backend", "OK", RAW, by=SERVICE),
    enqueue("the same job again", "OK", RAW, prepare=delayed),
    enqueue("the same job with its keys in another order", "OK", RAW[:-1] + b" }", prepare=delayed),
    enqueue("the same id with other data", "ID_CONFLICT", RAW.replace(b"Hello", b"Bye"), prepare=delayed),
    enqueue("a field the schema wants is missing", "PAYLOAD_INVALID", b'{"type":"email"}'),
    enqueue("a field of the wrong type", "PAYLOAD_INVALID", RAW.replace(b'"user-anna"', b"5")),
    enqueue("data that is no object", "PAYLOAD_INVALID", b"[1]"),
    enqueue("data that is null", "PAYLOAD_INVALID", b"null"),
    enqueue("data nested too deep", "INVALID_REQUEST", b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", loose=True),
    enqueue("data over 256 KiB", "TOO_LARGE", b'{"a":"' + b"x" * 262_144 + b'"}', loose=True),
    enqueue("an unknown job type", "JOB_TYPE_UNKNOWN", b"{}", job_name="no.such.type"),
    enqueue("a job type of another queue", "JOB_TYPE_UNKNOWN", b"{}", queue="tickets"),
    enqueue("into dead-letter", "QUEUE_RESERVED", RAW, queue="dead-letter"),
    enqueue("into a queue whose name breaks the pattern", "INVALID_REQUEST", RAW, queue="Notifications"),
    enqueue("by a tenant", "ROLE_REQUIRED", RAW, by=TENANT),
    enqueue("without a token", "UNAUTHENTICATED", RAW, by=NOBODY),
    Case(
        "a replaced job",
        "EnqueueJob",
        lambda job: pb.EnqueueJobRequest(
            queue=QUEUE, name=NAME, data=RAW, opts=options(job, if_exists=job_pb2.IF_EXISTS_REPLACE, attempts=7)
        ),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}", enqueue_body(job, ifExists="replace", attempts=7)),
        prepare=delayed,
    ),
    Case(
        "delay and due time at once",
        "EnqueueJob",
        lambda job: pb.EnqueueJobRequest(queue=QUEUE, name=NAME, data=RAW, opts=options(job, due_at=5)),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}", enqueue_body(job, dueAt=5)),
        "INVALID_REQUEST",
    ),
    Case(
        "a job id that breaks the pattern",
        "EnqueueJob",
        lambda _: pb.EnqueueJobRequest(queue=QUEUE, name=NAME, data=RAW, opts=options("a b")),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}", enqueue_body("a b")),
        "INVALID_REQUEST",
    ),
    Case(
        "attempts out of range",
        "EnqueueJob",
        lambda job: pb.EnqueueJobRequest(queue=QUEUE, name=NAME, data=RAW, opts=options(job, attempts=101)),
        lambda job: ("POST", f"/jobs/queues/{QUEUE}", enqueue_body(job, attempts=101)),
        "INVALID_REQUEST",
    ),
    Case(
        "a batch whose jobs are answered one by one",
        "EnqueueJobs",
        lambda job: pb.EnqueueJobsRequest(
            queue=QUEUE,
            jobs=[
                pb.NewJob(name=NAME, data=RAW, opts=options(job)),
                pb.NewJob(name=NAME, data=b"{}", opts=options(f"{job}-2")),
                pb.NewJob(name="no.such.type", data=RAW),
            ],
        ),
        lambda job: (
            "POST",
            f"/jobs/queues/{QUEUE}/batch",
            {"jobs": [enqueue_body(job), enqueue_body(f"{job}-2", {}), {"name": "no.such.type", "data": DATA}]},
        ),
    ),
    Case(
        "a batch of nothing",
        "EnqueueJobs",
        lambda _: pb.EnqueueJobsRequest(queue=QUEUE),
        lambda _: ("POST", f"/jobs/queues/{QUEUE}/batch", {"jobs": []}),
        "INVALID_REQUEST",
    ),
]

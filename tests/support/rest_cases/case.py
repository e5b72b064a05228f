"""What a case of the contract is, and how the job it is about is prepared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from google.protobuf.message import Message

from jobqueue.queue.v1 import job_pb2
from support.waiting import wait_until

QUEUE = "notifications"
NAME = "send-notification"
DATA = {"type": "email", "recipientId": "user-anna", "subject": "Hello", "message": "A case of the contract"}
RAW = b'{"type":"email","recipientId":"user-anna","subject":"Hello","message":"A case of the contract"}'
LATER = 3_600_000  # ms; no worker takes such a job during the test
FAILED, DELAYED = job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_DELAYED
OPS, ADMIN, SERVICE, TENANT, NOBODY = "ops@local", "admin@local", "service@local", "tenant@local", ""


def options(job: str, **more: Any) -> job_pb2.JobOptions:
    return job_pb2.JobOptions(job_id=job, delay=LATER, **more)


def enqueue_body(job: str, data: Any = DATA, **more: Any) -> dict[str, Any]:
    return {"name": NAME, "data": data, "opts": {"jobId": job, "delay": LATER, **more}}


def nothing(_client: httpx.Client, _job: str) -> None:
    """The case needs no job."""


def delayed(client: httpx.Client, job: str) -> None:
    client.post(f"/jobs/queues/{QUEUE}", json=enqueue_body(job)).raise_for_status()


def cancelled(client: httpx.Client, job: str) -> None:
    delayed(client, job)
    client.post(f"/jobs/queues/{QUEUE}/{job}/cancel", json={"reason": "to be failed"}).raise_for_status()


def audited(client: httpx.Client, job: str) -> None:
    cancelled(client, job)
    wait_until(lambda: client.get("/jobs/audit", params={"jobId": job}).json()["pagination"]["total"] == 2)


@dataclass(frozen=True, slots=True)
class Case:
    """`request` and `rest` (verb, path, body) say the same for a job's id; `loose` compares the code only."""

    name: str
    method: str
    request: Callable[[str], Message]
    rest: Callable[[str], tuple[Any, ...]]
    code: str = "OK"
    prepare: Callable[[httpx.Client, str], None] = nothing
    by: str = OPS
    prepared_by: str = OPS
    loose: bool = False
    numbers: bool = False

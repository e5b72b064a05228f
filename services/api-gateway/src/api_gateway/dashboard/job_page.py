"""/job-queues/{queue}/{jobId}: one job, in a drawer over its list."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from api_gateway.dashboard import json_tree
from api_gateway.dashboard.job_rows import JobRow, job_row
from api_gateway.dashboard.json_tree import Node
from api_gateway.dashboard.queue_page import JobList, job_list
from api_gateway.dashboard.site import PAGE_HEADERS, Visit
from api_gateway.dashboard.timeline import Moment, timeline
from jobqueue.audit.v1 import audit_service_pb2 as audit
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

MOST_RECORDS = 100
JOB_ID = re.compile(r"[A-Za-z0-9._:-]{1,264}")
DOCUMENTS = {"data": "Payload", "returnvalue": "Return value", "progress": "Progress"}
ACTIONS = {
    "waiting": ("cancel", "reschedule", "remove"),
    "delayed": ("run", "reschedule", "cancel", "remove"),
    "active": ("cancel",),
    "completed": ("remove",),
    "failed": ("retry", "edit", "remove"),
}


@dataclass(frozen=True, slots=True)
class Drawer:
    """One job in full."""

    row: JobRow
    found: queue_admin.GetJobResponse
    moments: Sequence[Moment]
    records: Sequence[audit.Entry]
    records_known: bool
    payload: Node
    result: Node | None
    report: Node | None
    previous_id: str
    next_id: str

    @property
    def job(self) -> job_pb2.Job:
        """The job as lists show it."""
        return self.row.job

    @property
    def actions(self) -> tuple[str, ...]:
        """What its state allows."""
        allowed = ACTIONS.get(self.row.state, ())
        return () if self.row.badge == "cancelling" else allowed

    @property
    def own_id(self) -> str:
        """Its id in the queue it lives in."""
        return own_id(self.job)


async def job_page(visit: Visit) -> Response:
    """The page: the list with the job's drawer over it."""
    queue = visit.request.path_params["queue"]
    job_id = job_id_of(visit)
    found, records = await asyncio.gather(get_job(visit, queue, job_id), _records(visit, queue, job_id))
    row = job_row(found.job, round(time.time() * 1_000))
    the_list = await job_list(visit, queue, default_status=row.state)
    return visit.page("queue.html", list=the_list, drawer=_drawer(row, found, records, the_list))


async def document(visit: Visit) -> Response:
    """One of a job's documents as it is: a part of its tree, or all of it as text."""
    queue, job_id = visit.request.path_params["queue"], job_id_of(visit)
    which = visit.query("part") or "data"
    if which not in DOCUMENTS:
        raise HTTPException(404, "a job has no such document")
    found = await get_job(visit, queue, job_id)
    content = {"data": found.job.data, "returnvalue": found.return_value, "progress": found.job.progress}[which]
    if visit.query("as") == "text":
        headers = {**PAGE_HEADERS, "Content-Disposition": "inline"}
        return Response(json_tree.pretty(content), media_type="text/plain; charset=utf-8", headers=headers)
    node = _part(content, visit.query("path"), visit.query("from"))
    return visit.page("document.html", queue=queue, job_id=job_id, part=which, title=DOCUMENTS[which], root=node)


async def get_job(visit: Visit, queue: str, job_id: str) -> queue_admin.GetJobResponse:
    """The job; raises ServiceError."""
    answer: queue_admin.GetJobResponse = await visit.call(queue_admin.GetJobRequest(queue=queue, job_id=job_id))
    return answer


def job_id_of(visit: Visit) -> str:
    """The id in the address; raises HTTPException 404 for what can be no id."""
    job_id = str(visit.request.path_params.get("job_id") or visit.query("id"))
    if not JOB_ID.fullmatch(job_id):
        raise HTTPException(404, "no job can have this id")
    return job_id


def own_id(job: job_pb2.Job) -> str:
    """A job's id in its own queue; among dead letters ids begin with the queue."""
    return job.id.removeprefix(f"{job.original_queue}:") if job.original_queue else job.id


def _drawer(
    row: JobRow, found: queue_admin.GetJobResponse, records: Sequence[audit.Entry] | None, the_list: JobList
) -> Drawer:
    ids = [line.job.id for line in the_list.jobs]
    place = ids.index(row.job.id) if row.job.id in ids else -1
    return Drawer(
        row=row,
        found=found,
        moments=timeline(found.job, found.attempts, records or ()),
        records=records or (),
        records_known=records is not None,
        payload=json_tree.tree(json_tree.read(found.job.data)),
        result=json_tree.tree(json_tree.read(found.return_value)) if found.return_value else None,
        report=json_tree.tree(json_tree.read(found.job.progress)) if found.job.progress else None,
        previous_id=ids[place - 1] if place > 0 else "",
        next_id=ids[place + 1] if 0 <= place < len(ids) - 1 else "",
    )


async def _records(visit: Visit, queue: str, job_id: str) -> Sequence[audit.Entry] | None:
    """The job's audit records; None when audit cannot be asked, for the job is worth showing without them."""
    if queue == "dead-letter":
        queue, _, job_id = job_id.partition(":")
    try:
        answer: audit.ListEntriesResponse = await visit.call(
            audit.ListEntriesRequest(queue=queue, job_id=job_id, page_size=MOST_RECORDS)
        )
    except ServiceError:
        return None
    return answer.data


def _part(content: bytes, path: str, start: str) -> Node:
    try:
        steps = json.loads(path) if path else []
        return json_tree.tree(
            json_tree.read(content), [str(step) for step in steps], int(start) if start.isdecimal() else 0
        )
    except (ValueError, TypeError, RecursionError, json_tree.NoSuchPart) as error:
        raise HTTPException(404, "the document has nothing there") from error

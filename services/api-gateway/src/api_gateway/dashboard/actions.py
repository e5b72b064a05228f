"""Acting on one job or one queue: a page that asks (a dialog, with JavaScript), then the deed and its toast."""

from __future__ import annotations

import time

from google.protobuf.message import Message
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api_gateway.dashboard import formatting, json_tree, links, wording
from api_gateway.dashboard.forms import Form
from api_gateway.dashboard.job_page import get_job, job_id_of
from api_gateway.dashboard.job_rows import JobRow, job_row
from api_gateway.dashboard.schema_words import words_of_schema
from api_gateway.dashboard.site import Handler, Visit
from api_gateway.dashboard.toasts import Toast
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

MOST_REASON = 1_000


async def job_action(visit: Visit) -> Response:
    """Ask (GET), then do it (POST)."""
    queue, action = visit.request.path_params["queue"], visit.request.path_params["action"]
    if action not in wording.JOB_ACTIONS:
        raise HTTPException(404, "there is no such action")
    job_id = job_id_of(visit)
    if visit.request.method == "GET":
        return await _ask_job(visit, queue, job_id, action, await _entry(visit, queue, job_id))
    form = await visit.form()
    back = links.local(form.text("next"), links.job(queue, job_id))
    try:
        answer = await visit.call(_job_request(queue, job_id, action, form))
    except ServiceError as error:
        if error.reason in ("PAYLOAD_INVALID", "INVALID_REQUEST") and action in ("edit", "reschedule"):
            return await _ask_job(visit, queue, job_id, action, await _entry(visit, queue, job_id), form, error)
        return visit.go(back, Toast(refusal(job_id, error), good=False))
    if action == "remove":  # its own page is gone with it
        status = form.text("status")
        back = links.queue(queue, status=status) if back.startswith(links.job(queue, job_id)) else back
    return visit.go(back, Toast(wording.outcome(action, answer.outcome, job_id)))


def queue_action(action: str) -> Handler:
    """A page that asks (GET), then pauses or resumes (POST)."""
    request = queue_admin.PauseQueueRequest if action == "pause" else queue_admin.ResumeQueueRequest
    done = "is paused" if action == "pause" else "is running again"
    unchanged = "was paused already" if action == "pause" else "was not paused"

    async def handle(visit: Visit) -> Response:
        queue = visit.request.path_params["queue"]
        if visit.request.method == "GET":
            back = links.local(visit.query("next"), links.queue(queue))
            words = wording.QUEUE_ACTIONS[action]
            return visit.page("queue_action.html", queue=queue, action=action, wording=words, back=back)
        form = await visit.form()
        back = links.local(form.text("next"), links.queue(queue))
        try:
            answer = await visit.call(request(queue=queue, reason=reason_of(form)))
        except ServiceError as error:
            return visit.go(back, Toast(f"Nothing was done to {queue}: {error.detail}.", good=False))
        if answer.outcome == job_pb2.ACTION_OUTCOME_UNCHANGED:
            return visit.go(back, Toast(f"Nothing changed: {queue} {unchanged}."))
        return visit.go(back, Toast(f"{queue} {done}."))

    return handle


def refusal(job_id: str, error: ServiceError) -> str:
    """Why nothing happened to a job, in a sentence."""
    match error.reason:
        case "JOB_NOT_FOUND":
            return f"{job_id} is gone: somebody removed it, or its time was over. Nothing was done."
        case "WRONG_STATE":
            return f"Nothing was done to {job_id}: {error.detail}. Somebody may have been faster."
        case "DEADLINE":
            return f"No answer came in time; whether something was done to {job_id} is not known."
        case "UNAVAILABLE":
            return f"Nothing was done to {job_id}: the job store cannot be reached."
    return f"Nothing was done to {job_id}: {error.detail}."


def reason_of(form: Form) -> str:
    """The reason, as long as it may be."""
    return form.text("reason")[:MOST_REASON]


def _job_request(queue: str, job_id: str, action: str, form: Form) -> Message:
    reason = reason_of(form)
    match action:
        case "retry":
            return queue_admin.RetryJobRequest(queue=queue, job_id=job_id, reason=reason)
        case "edit":
            data = form.raw("data").encode()
            return queue_admin.RetryJobRequest(queue=queue, job_id=job_id, reason=reason, data=data)
        case "cancel":
            return queue_admin.CancelJobRequest(queue=queue, job_id=job_id, reason=reason)
        case "remove":
            return queue_admin.RemoveJobRequest(queue=queue, job_id=job_id, reason=reason)
        case "run":
            return queue_admin.RescheduleJobRequest(queue=queue, job_id=job_id, reason=reason)
    due_at = formatting.parse_utc(form.text("due"))
    if due_at is None:
        raise ServiceError("INVALID_REQUEST", "the time is none that can be read; write it as 2027-01-31T09:30")
    return queue_admin.RescheduleJobRequest(queue=queue, job_id=job_id, reason=reason, due_at=due_at)


async def _entry(visit: Visit, queue: str, job_id: str) -> JobRow:
    found = await get_job(visit, queue, job_id)
    return job_row(found.job, round(time.time() * 1_000))


async def _ask_job(
    visit: Visit,
    queue: str,
    job_id: str,
    action: str,
    row: JobRow,
    form: Form | None = None,
    error: ServiceError | None = None,
) -> Response:
    due_at = row.job.due_at or round(time.time() * 1_000) + formatting.HOUR
    return visit.page(
        "job_action.html",
        422 if error else 200,
        queue=queue,
        job_id=job_id,
        action=action,
        row=row,
        wording=wording.JOB_ACTIONS[action],
        back=links.local(form.text("next") if form else visit.query("next"), links.job(queue, job_id)),
        reason=reason_of(form) if form else "",
        data=form.raw("data") if form else json_tree.pretty(row.job.data) if action == "edit" else "",
        due=form.text("due") if form else formatting.local_input(due_at),
        fields=await _schema_of(visit, row) if action == "edit" else (),
        error=error,
    )


async def _schema_of(visit: Visit, row: JobRow) -> list[object]:
    try:
        answer: queue_admin.ListJobTypesResponse = await visit.call(queue_admin.ListJobTypesRequest())
    except ServiceError:
        return []
    found = next((t for t in answer.job_types if (t.queue, t.name) == (row.lives_in, row.job.name)), None)
    return list(words_of_schema(found.schema)) if found else []

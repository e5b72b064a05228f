"""/job-types: what workers can run, and for ADMIN a form to enqueue one by hand."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from api_gateway.dashboard import formatting, links
from api_gateway.dashboard.forms import Form
from api_gateway.dashboard.schema_words import SchemaField, description_of, words_of_schema
from api_gateway.dashboard.site import Visit
from api_gateway.dashboard.toasts import Toast
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class TypeCard:
    """One job type in words."""

    type: job_pb2.JobType
    description: str
    fields: tuple[SchemaField, ...]
    schema: str

    @property
    def key(self) -> str:
        """Unique among all."""
        return f"{self.type.queue}-{self.type.name}"


async def job_types_page(visit: Visit) -> Response:
    """The page."""
    answer: queue_admin.ListJobTypesResponse = await visit.call(queue_admin.ListJobTypesRequest())
    return visit.page("job_types.html", cards=[_card(job_type) for job_type in answer.job_types])


async def enqueue_page(visit: Visit) -> Response:
    """A form made from the schema (GET), and the job it makes (POST)."""
    if not visit.viewer.is_admin:
        raise ServiceError("ROLE_REQUIRED", "only ADMIN enqueues jobs by hand")
    card = await _find(visit, visit.request.path_params["queue"], visit.request.path_params["name"])
    if visit.request.method == "GET":
        return visit.page("enqueue.html", card=card, values={}, error=None, problems={})
    form = await visit.form()
    try:
        answer: queue_admin.EnqueueJobResponse = await visit.call(_request(card, form))
    except ServiceError as error:
        if error.reason not in ("PAYLOAD_INVALID", "INVALID_REQUEST", "ID_CONFLICT", "TOO_LARGE"):
            raise
        problems = {found.field.removeprefix("data."): found.problem for found in error.fields}
        return visit.page("enqueue.html", 422, card=card, values=dict(form.pairs), error=error, problems=problems)
    words = f"{answer.id} was enqueued." if answer.created else f"{answer.id} exists already: nothing was added."
    return visit.go(links.job(answer.queue, answer.id), Toast(words))


async def _find(visit: Visit, queue: str, name: str) -> TypeCard:
    answer: queue_admin.ListJobTypesResponse = await visit.call(queue_admin.ListJobTypesRequest())
    found = next((known for known in answer.job_types if (known.queue, known.name) == (queue, name)), None)
    if found is None:
        raise HTTPException(404, "no worker has declared this job type")
    return _card(found)


def _card(job_type: job_pb2.JobType) -> TypeCard:
    return TypeCard(
        job_type,
        description_of(job_type.schema),
        tuple(words_of_schema(job_type.schema)),
        json.dumps(json.loads(job_type.schema or b"{}"), indent=2, ensure_ascii=False),
    )


def _request(card: TypeCard, form: Form) -> queue_admin.EnqueueJobRequest:
    request = queue_admin.EnqueueJobRequest(queue=card.type.queue, name=card.type.name, data=_payload(card, form))
    if form.text("option.jobId"):
        request.opts.job_id = form.text("option.jobId")
    if form.text("option.dueAt"):
        due_at = formatting.parse_utc(form.text("option.dueAt"))
        if due_at is None:
            raise ServiceError("INVALID_REQUEST", "the due time is none that can be read")
        request.opts.due_at = due_at
    return request


def _payload(card: TypeCard, form: Form) -> bytes:
    """The form as JSON; numbers keep the digits that were typed. Raises ServiceError INVALID_REQUEST."""
    if not card.fields:
        return (form.raw("document").strip() or "{}").encode()
    members = []
    for field in card.fields:
        given = form.raw(f"data.{field.name}")
        if given == "" and not (field.required and field.kind == "text"):
            continue
        members.append(f"{json.dumps(field.name)}: {_value(field, given)}")
    return ("{" + ", ".join(members) + "}").encode()


def _value(field: SchemaField, given: str) -> str:
    if field.kind in ("text", "choice"):
        return json.dumps(given, ensure_ascii=False)
    if field.kind == "boolean":
        return "true" if given == "true" else "false"
    if field.kind in ("integer", "number"):
        # What is no number goes on as text: the schema's own words for it are better than ours.
        return given.strip() if _NUMBER.fullmatch(given.strip()) else json.dumps(given)
    return given

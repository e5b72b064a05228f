"""The form for a schedule, new or changed: what is written, a preview of its next times, and the deed."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from zoneinfo import available_timezones

from starlette.responses import Response

from api_gateway.dashboard import json_tree, links
from api_gateway.dashboard.actions import reason_of
from api_gateway.dashboard.forms import Form
from api_gateway.dashboard.schedules_page import get_schedule, place_of
from api_gateway.dashboard.site import Visit
from api_gateway.dashboard.toasts import Toast
from jobqueue.queue.v1 import job_pb2, schedule_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import FieldError, ServiceError

UNITS = {"seconds": 1_000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}
CATCH_UP = {"one": schedule_pb2.CATCH_UP_ONE, "skip": schedule_pb2.CATCH_UP_SKIP}
BACKOFF = {"fixed": job_pb2.BACKOFF_TYPE_FIXED, "exponential": job_pb2.BACKOFF_TYPE_EXPONENTIAL}
TO_CORRECT = frozenset({"PAYLOAD_INVALID", "INVALID_REQUEST", "TOO_LARGE", "JOB_TYPE_UNKNOWN", "WRONG_STATE"})
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,3})?")
WORDS = {
    job_pb2.ACTION_OUTCOME_CREATED: "was made.",
    job_pb2.ACTION_OUTCOME_UPDATED: "was changed.",
}


async def new_schedule(visit: Visit) -> Response:
    """An empty form (GET), its preview or the new schedule (POST)."""
    _require_admin(visit)
    if visit.request.method == "GET":
        start = {
            "type": f"{visit.query('queue')}/{visit.query('name')}",
            "timeZone": "UTC",
            "data": "{}",
            "revision": "0",
        }
        return await _form(visit, None, start)
    form = await visit.form()
    queue, _, _ = form.text("type").partition("/")
    return await _submitted(visit, form, queue, form.text("id"), None)


async def edit_schedule(visit: Visit) -> Response:
    """The form with what the schedule says (GET), the preview of a change or the change (POST)."""
    _require_admin(visit)
    place = place_of(visit)
    if visit.request.method == "GET":
        found = await get_schedule(visit)
        return await _form(visit, place, _values(found.schedule))
    return await _submitted(visit, await visit.form(), *place, place)


async def _submitted(visit: Visit, form: Form, queue: str, schedule_id: str, place: tuple[str, str] | None) -> Response:
    values = dict(form.pairs)
    preview = form.text("do") != "save"
    try:
        request = _request(form, queue, schedule_id, dry_run=preview)
        answer: queue_admin.UpsertScheduleResponse = await visit.call(request)
    except ServiceError as error:
        if error.reason not in TO_CORRECT:
            raise
        return await _form(visit, place, values, error=error)
    if preview:
        return await _form(visit, place, values, preview=answer)
    words = WORDS.get(answer.outcome, "is as it was: nothing changed.")
    return visit.go(links.schedule(queue, schedule_id), Toast(f"{schedule_id} {words}"))


async def _form(
    visit: Visit,
    place: tuple[str, str] | None,
    values: dict[str, str],
    *,
    error: ServiceError | None = None,
    preview: queue_admin.UpsertScheduleResponse | None = None,
) -> Response:
    answer: queue_admin.ListJobTypesResponse = await visit.call(queue_admin.ListJobTypesRequest())
    types = [f"{known.queue}/{known.name}" for known in answer.job_types if place is None or known.queue == place[0]]
    return visit.page(
        "schedule_form.html",
        422 if error else 200,
        place=place,
        action=f"{links.schedule(*place)}/edit" if place else f"{links.schedules()}/new",
        back=links.schedule(*place) if place else links.schedules(),
        types=types,
        values=values,
        units=UNITS,
        zones=_zones(),
        error=error,
        problems={item.field.split(".")[0]: item.problem for item in error.fields} if error else {},
        preview=preview,
    )


def _request(form: Form, queue: str, schedule_id: str, *, dry_run: bool) -> queue_admin.UpsertScheduleRequest:
    request = queue_admin.UpsertScheduleRequest(
        queue=queue,
        schedule_id=schedule_id,
        name=form.text("type").partition("/")[2],
        data=(form.raw("data").strip() or "{}").encode(),
        cron=form.text("cron") or None,
        interval=_number(form, "every", "interval", UNITS.get(form.text("unit"), 1)),
        time_zone=form.text("timeZone") or None,
        catch_up=CATCH_UP.get(form.text("catchUp"), schedule_pb2.CATCH_UP_UNSPECIFIED),
        revision=_number(form, "revision", "revision"),
        dry_run=dry_run,
        reason=reason_of(form) or None,
    )
    options = schedule_pb2.ScheduleOptions(
        priority=_number(form, "priority", "opts.priority"),
        attempts=_number(form, "attempts", "opts.attempts"),
        timeout=_number(form, "timeout", "opts.timeout", UNITS["seconds"]),
    )
    delay = _number(form, "backoff", "opts.backoff.delay", UNITS["seconds"])
    if delay is not None:
        kind = BACKOFF.get(form.text("backoffType"), job_pb2.BACKOFF_TYPE_UNSPECIFIED)
        options.backoff.CopyFrom(job_pb2.Backoff(type=kind, delay=delay))
    if options.ListFields():
        request.opts.CopyFrom(options)
    return request


def _number(form: Form, name: str, field: str, factor: int = 1) -> int | None:
    """A number that may be left out, in the contract's unit; it must be a whole one there. Raises ServiceError."""
    text = form.text(name)
    if not text:
        return None
    value = Decimal(text) * factor if _NUMBER.fullmatch(text) else None
    if value is None or value % 1:
        problem = f"must be a {'number' if factor > 1 else 'whole number'}"
        raise ServiceError("INVALID_REQUEST", f"{field} {problem}", (FieldError(field, problem),))
    return int(value)


def _values(schedule: schedule_pb2.Schedule) -> dict[str, str]:
    """The fields of the form for a schedule as it is."""
    opts = schedule.opts
    unit = next((u for u in reversed(UNITS) if schedule.interval and schedule.interval % UNITS[u] == 0), "seconds")
    texts: dict[str, object] = {
        "type": f"{schedule.queue}/{schedule.name}",
        "cron": schedule.cron,
        "every": schedule.interval / UNITS[unit] if schedule.interval else "",
        "unit": unit,
        "timeZone": schedule.time_zone,
        "data": json_tree.pretty(schedule.data),
        "catchUp": "skip" if schedule.catch_up == schedule_pb2.CATCH_UP_SKIP else "one",
        "priority": opts.priority if opts.HasField("priority") else "",
        "attempts": opts.attempts if opts.HasField("attempts") else "",
        "timeout": opts.timeout / UNITS["seconds"] if opts.HasField("timeout") else "",
        "backoff": opts.backoff.delay / UNITS["seconds"] if opts.HasField("backoff") else "",
        "backoffType": "fixed" if opts.backoff.type == job_pb2.BACKOFF_TYPE_FIXED else "exponential",
        "revision": schedule.revision,
    }
    return {name: f"{value:.15g}" if isinstance(value, float) else str(value) for name, value in texts.items()}


def _require_admin(visit: Visit) -> None:
    if not visit.viewer.is_admin:
        raise ServiceError("ROLE_REQUIRED", "only ADMIN changes schedules")


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))

"""/schedules: what runs by the clock, each with its own page, and what can be done to it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from api_gateway.dashboard import json_tree, links, wording
from api_gateway.dashboard.actions import reason_of
from api_gateway.dashboard.site import Visit
from api_gateway.dashboard.toasts import Toast
from jobqueue.queue.v1 import job_pb2, schedule_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

LATE_MS = 5_000  # a queue-admin looks at least once a second
FOR_ADMIN = frozenset({"pause", "resume", "remove"})
REQUESTS = {
    "pause": queue_admin.PauseScheduleRequest,
    "resume": queue_admin.ResumeScheduleRequest,
    "remove": queue_admin.RemoveScheduleRequest,
    "run": queue_admin.RunScheduleNowRequest,
}


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule with what its page says about it."""

    schedule: schedule_pb2.Schedule
    overdue: bool

    @property
    def address(self) -> str:
        """Its own page."""
        return links.schedule(self.schedule.queue, self.schedule.id)

    @property
    def is_failing(self) -> bool:
        """Its latest run made no job although it should."""
        return self.schedule.last_run.outcome == schedule_pb2.SCHEDULE_RUN_OUTCOME_FAILED

    @property
    def last_outcome(self) -> str:
        """What its latest run came to, in words; empty when it never ran."""
        return wording.RUN_OUTCOMES.get(self.schedule.last_run.outcome, "")


async def schedules_page(visit: Visit) -> Response:
    """All schedules."""
    answer: queue_admin.ListSchedulesResponse = await visit.call(queue_admin.ListSchedulesRequest())
    return visit.page("schedules.html", rows=[_row(schedule) for schedule in answer.schedules])


async def schedule_page(visit: Visit) -> Response:
    """One schedule."""
    found = await get_schedule(visit)
    data = json_tree.pretty(found.schedule.data)
    return visit.page("schedule.html", row=_row(found.schedule), upcoming=list(found.upcoming), data=data)


async def schedule_action(visit: Visit) -> Response:
    """A page that asks (GET), then pauses, resumes, removes or runs it (POST)."""
    action = visit.request.path_params["action"]
    if action not in REQUESTS:
        raise HTTPException(404, "there is no such action")
    if action in FOR_ADMIN and not visit.viewer.is_admin:
        raise ServiceError("ROLE_REQUIRED", "only ADMIN changes schedules")
    queue, schedule_id = place_of(visit)
    back = links.schedule(queue, schedule_id)
    if visit.request.method == "GET":
        words = wording.SCHEDULE_ACTIONS[action]
        back = links.local(visit.query("next"), back)
        return visit.page(
            "schedule_action.html", queue=queue, schedule_id=schedule_id, action=action, wording=words, back=back
        )
    form = await visit.form()
    back = links.local(form.text("next"), back)
    request = REQUESTS[action](queue=queue, schedule_id=schedule_id, reason=reason_of(form))
    try:
        answer = await visit.call(request)
    except ServiceError as error:
        return visit.go(back, Toast(f"Nothing was done to {schedule_id}: {error.detail}.", good=False))
    if action == "run":
        return visit.go(links.job(answer.queue, answer.id), Toast(f"{schedule_id} made this job."))
    if answer.outcome == job_pb2.ACTION_OUTCOME_UNCHANGED:
        return visit.go(back, Toast(f"Nothing changed: {schedule_id} {wording.SCHEDULE_UNCHANGED[action]}."))
    done = Toast(f"{schedule_id} {wording.SCHEDULE_DONE[action]}.")
    return visit.go(links.schedules() if action == "remove" else back, done)


async def get_schedule(visit: Visit) -> queue_admin.GetScheduleResponse:
    """The schedule that the address names. Raises ServiceError."""
    queue, schedule_id = place_of(visit)
    found: queue_admin.GetScheduleResponse = await visit.call(
        queue_admin.GetScheduleRequest(queue=queue, schedule_id=schedule_id)
    )
    return found


def place_of(visit: Visit) -> tuple[str, str]:
    """Queue and id of the schedule that the address names."""
    return visit.request.path_params["queue"], visit.request.path_params["schedule_id"]


def _row(schedule: schedule_pb2.Schedule) -> ScheduleRow:
    late_since = round(time.time() * 1_000) - LATE_MS
    return ScheduleRow(schedule, overdue=schedule.HasField("next_run") and schedule.next_run < late_since)

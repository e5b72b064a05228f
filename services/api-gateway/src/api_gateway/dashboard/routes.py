"""The dashboard's addresses."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from api_gateway.auth.sessions import Sessions
from api_gateway.dashboard.actions import job_action, queue_action
from api_gateway.dashboard.audit_page import audit_page, export, verify
from api_gateway.dashboard.bulk import bulk_action
from api_gateway.dashboard.entry import entry_routes
from api_gateway.dashboard.job_page import document, job_page
from api_gateway.dashboard.job_types_page import enqueue_page, job_types_page
from api_gateway.dashboard.live import Live
from api_gateway.dashboard.overview import overview
from api_gateway.dashboard.queue_page import queue_page
from api_gateway.dashboard.rendering import Templates
from api_gateway.dashboard.schedule_form import edit_schedule, new_schedule
from api_gateway.dashboard.schedules_page import schedule_action, schedule_page, schedules_page
from api_gateway.dashboard.search import search
from api_gateway.dashboard.session import BrowserSessions
from api_gateway.dashboard.site import Site, Visit
from api_gateway.dashboard.static_files import StaticFiles
from api_gateway.dashboard.workers_page import worker_action, workers_page

ASK_AND_DO = ("GET", "POST")


def dashboard_routes(sessions: Sessions, *, idle_seconds: int, environment: str, page_size: int) -> list[Route]:
    """All pages; those that ask before they act answer GET with the question and POST with the deed."""
    static, live = StaticFiles(), Live()
    browsers = BrowserSessions(sessions, idle_seconds=idle_seconds)
    site = Site(browsers, Templates(static), environment=environment, page_size=page_size)
    return [
        *static.routes(),
        *entry_routes(site),
        site.route("/job-queues", overview),
        site.route("/job-queues/~live", live.stream),
        site.route("/job-queues/{queue}", queue_page),
        site.route("/job-queues/{queue}/~pause", queue_action("pause"), ASK_AND_DO),
        site.route("/job-queues/{queue}/~resume", queue_action("resume"), ASK_AND_DO),
        site.route("/job-queues/{queue}/~job", job_page),
        site.route("/job-queues/{queue}/~document", document),
        site.route("/job-queues/{queue}/~job/{action}", job_action, ASK_AND_DO),
        site.route("/job-queues/{queue}/~bulk/{action}", bulk_action, ("POST",)),
        site.route("/job-queues/{queue}/{job_id}", job_page),
        site.route("/audit", audit_page),
        site.route("/audit/verify", verify, ("POST",)),
        site.route("/audit/export", export),
        site.route("/workers", workers_page),
        site.route("/workers/{worker_id}/drain", worker_action("drain"), ASK_AND_DO),
        site.route("/workers/{worker_id}/resume", worker_action("resume"), ASK_AND_DO),
        site.route("/job-types", job_types_page),
        site.route("/job-types/{queue}/{name}/enqueue", enqueue_page, ASK_AND_DO),
        site.route("/schedules", schedules_page),
        site.route("/schedules/new", new_schedule, ASK_AND_DO),
        site.route("/schedules/{queue}/{schedule_id}", schedule_page),
        site.route("/schedules/{queue}/{schedule_id}/edit", edit_schedule, ASK_AND_DO),
        site.route("/schedules/{queue}/{schedule_id}/{action}", schedule_action, ASK_AND_DO),
        site.route("/search", search),
        site.route("/job-queues/{rest:path}", nothing_here),
    ]


async def nothing_here(visit: Visit) -> Response:
    """A page that is not there, told as a page."""
    return visit.page("failure.html", 404, reason="", detail="there is no such page", away=False)

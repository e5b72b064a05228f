"""/workers: the processes that run jobs, and what they run now."""

from __future__ import annotations

from starlette.responses import Response

from api_gateway.dashboard.actions import reason_of
from api_gateway.dashboard.site import Handler, Visit
from api_gateway.dashboard.toasts import Toast
from api_gateway.root_path import at
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError


async def workers_page(visit: Visit) -> Response:
    """The page."""
    answer: queue_admin.ListWorkersResponse = await visit.call(queue_admin.ListWorkersRequest())
    return visit.page("workers.html", workers=sorted(answer.workers, key=lambda worker: worker.info.id))


def worker_action(action: str) -> Handler:
    """A page that asks (GET), then drains or resumes a worker (POST)."""
    request = queue_admin.DrainWorkerRequest if action == "drain" else queue_admin.ResumeWorkerRequest
    done = "takes no more jobs and finishes what it runs" if action == "drain" else "takes jobs again"
    unchanged = "was draining already" if action == "drain" else "takes jobs already"

    async def handle(visit: Visit) -> Response:
        if not visit.viewer.is_admin:
            raise ServiceError("ROLE_REQUIRED", "only ADMIN drains and resumes workers")
        worker_id = visit.request.path_params["worker_id"]
        if visit.request.method == "GET":
            return visit.page("worker_action.html", worker_id=worker_id, action=action)
        try:
            answer = await visit.call(request(worker_id=worker_id, reason=reason_of(await visit.form())))
        except ServiceError as error:
            return visit.go(at("/workers"), Toast(f"Nothing was done to {worker_id}: {error.detail}.", good=False))
        if answer.outcome == job_pb2.ACTION_OUTCOME_UNCHANGED:
            return visit.go(at("/workers"), Toast(f"Nothing changed: {worker_id} {unchanged}."))
        return visit.go(at("/workers"), Toast(f"{worker_id} {done}."))

    return handle

"""/search: a job by its id, or within a queue by how its id or type begins."""

from __future__ import annotations

import asyncio
import time

from starlette.responses import Response

from api_gateway.dashboard import links
from api_gateway.dashboard.job_rows import job_row
from api_gateway.dashboard.site import Visit
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

MOST = 50
MOST_CHARACTERS = 264


async def search(visit: Visit) -> Response:
    """The results; a single exact id is opened at once."""
    text, queue = visit.query("q")[:MOST_CHARACTERS], visit.query("queue")
    names = await _queue_names(visit)
    if not text:
        return visit.page("search.html", text="", queue=queue, names=names, rows=[], answer=None)
    answers = await asyncio.gather(*(_find(visit, text, name) for name in ([queue] if queue else ["", *names])))
    jobs = list({(job.queue, job.id): job for answer in answers for job in answer.jobs}.values())[:MOST]
    exact = [job for job in jobs if text in (job.id, f"{job.queue}:{job.id}")]
    if len(exact) == 1 and len(jobs) == 1:
        return visit.go(links.job(exact[0].queue, exact[0].id))
    now_ms = round(time.time() * 1_000)
    whole = queue_admin.FindJobsResponse(
        complete=all(answer.complete for answer in answers), looked_at=sum(answer.looked_at for answer in answers)
    )
    return visit.page(
        "search.html", text=text, queue=queue, names=names, rows=[job_row(job, now_ms) for job in jobs], answer=whole
    )


async def _find(visit: Visit, text: str, queue: str) -> queue_admin.FindJobsResponse:
    request = queue_admin.FindJobsRequest(text=text, limit=MOST)
    if queue:
        request.queue = queue
    try:
        answer: queue_admin.FindJobsResponse = await visit.call(request)
    except ServiceError as error:
        if error.reason != "QUEUE_NOT_FOUND":
            raise
        return queue_admin.FindJobsResponse(complete=True)
    return answer


async def _queue_names(visit: Visit) -> list[str]:
    answer: queue_admin.ListQueuesResponse = await visit.call(queue_admin.ListQueuesRequest())
    return [queue.name for queue in answer.queues if queue.name != "dead-letter"]

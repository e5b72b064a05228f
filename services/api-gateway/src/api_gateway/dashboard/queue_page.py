"""/job-queues/{queue}: one queue, a tab for each status, and a page of its jobs."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.responses import Response

from api_gateway.dashboard import links
from api_gateway.dashboard.job_rows import NUMBERS, JobRow, job_row
from api_gateway.dashboard.overview import DEAD_LETTER, QueueRow, row_of
from api_gateway.dashboard.paging import Pages, page_of, pages_of, size_of
from api_gateway.dashboard.site import PAGE_SIZE_COOKIE, Visit, remember
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

MOST_GROUPS = 50
ORDERS = {
    "waiting": {"oldest": "in the order in which they will run", "newest": "the last to run first"},
    "active": {"oldest": "in the order in which they were taken", "newest": "the last taken first"},
    "delayed": {"oldest": "the next due first", "newest": "the last due first"},
    "completed": {"newest": "the latest first", "oldest": "the oldest first"},
    "failed": {"newest": "the latest first", "oldest": "the oldest first"},
}
"""How a status can be sorted, in words; the usual order first. No index gives any other."""

ORDER_NUMBERS = {"oldest": queue_admin.JOB_ORDER_OLDEST, "newest": queue_admin.JOB_ORDER_NEWEST}
_group = re.compile(r"[cd][0-9a-f]{16}").fullmatch


@dataclass(frozen=True, slots=True)
class JobList:
    """A page of a queue's jobs as the address asks for it."""

    row: QueueRow
    status: str
    group: str
    jobs: tuple[JobRow, ...]
    pages: Pages
    groups: tuple[queue_admin.ErrorGroup, ...]
    groups_total: int
    tabs: tuple[tuple[str, int], ...]
    order: str
    query: dict[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.row.queue.name

    @property
    def order_words(self) -> str:
        """How the jobs are sorted."""
        return ORDERS[self.status][self.order]

    @property
    def other_order_words(self) -> str:
        """How they can be sorted instead."""
        return ORDERS[self.status][_other(self.order)]

    @property
    def direction(self) -> str:
        """How the values of the sorted column run; of what was taken first, the runtime is the longest."""
        return "ascending" if (self.order == "oldest") is (self.status != "active") else "descending"

    def turned(self) -> str:
        """The first page of this list in its other order."""
        other = _other(self.order)
        return self.address(order="" if other == _usual_order(self.status) else other, page="")

    def place(self, index: int) -> int:
        """Place of a waiting job in the line."""
        before = self.pages.first_item - 1 + index
        return before + 1 if self.order == "oldest" else self.pages.total - before

    @property
    def actions(self) -> tuple[str, ...]:
        """What can be done to a selection on this tab."""
        return {"failed": ("retry", "remove"), "active": ("cancel",), "completed": ("remove",)}.get(
            self.status, ("cancel", "remove")
        )

    @property
    def chosen_group(self) -> queue_admin.ErrorGroup | None:
        """The group that filters the list, while it still has jobs."""
        return next((group for group in self.groups if group.id == self.group), None)

    def address(self, **changes: object) -> str:
        """This list with something changed."""
        return links.queue(self.name, **{**self.query, **changes})

    def job_address(self, job_id: str) -> str:
        """A job opened over this list."""
        return links.job(self.name, job_id, **self.query)


async def queue_page(visit: Visit) -> Response:
    """The page."""
    found = await job_list(visit, visit.request.path_params["queue"])
    if found.pages.page > found.pages.last:
        return visit.go(found.address(page=found.pages.last))
    response = visit.page("queue.html", list=found, drawer=None)
    if visit.query("pageSize"):
        remember(visit.request, response, PAGE_SIZE_COOKIE, str(size_of(visit)))
    return response


async def job_list(visit: Visit, queue: str, default_status: str = "") -> JobList:
    """The list that the address asks for. Raises ServiceError."""
    status = visit.query("status")
    if status not in NUMBERS:
        status = default_status or ("failed" if queue == DEAD_LETTER else "waiting")
    group = visit.query("group") if status == "failed" and _group(visit.query("group")) else ""
    page, size = page_of(visit), size_of(visit)
    usual = _usual_order(status)
    order = visit.query("order") if visit.query("order") in ORDER_NUMBERS else usual
    request = queue_admin.GetQueueRequest(
        queue=queue, status=NUMBERS[status], page=page, page_size=size, order=ORDER_NUMBERS[order]
    )
    if group:
        request.group = group
    answer: queue_admin.GetQueueResponse
    found: queue_admin.ListErrorGroupsResponse
    answer, found = await asyncio.gather(visit.call(request), _groups(visit, queue, status))
    row = row_of(answer.queue)
    now_ms = round(time.time() * 1_000)
    query: dict[str, object] = {
        "status": status,
        "group": group,
        "order": order if order != usual else "",
        "page": page if page > 1 else "",
    }
    return JobList(
        row=row,
        status=status,
        group=group,
        jobs=tuple(job_row(job, now_ms) for job in answer.page.jobs),
        pages=pages_of(answer.page.pagination),
        groups=tuple(found.groups),
        groups_total=found.total,
        tabs=_tabs(row),
        order=order,
        query=query,
    )


async def _groups(visit: Visit, queue: str, status: str) -> queue_admin.ListErrorGroupsResponse:
    answer = queue_admin.ListErrorGroupsResponse()
    if status == "failed":
        # The list is worth showing without them; when the store is away, it says so itself.
        with suppress(ServiceError):
            answer = await visit.call(queue_admin.ListErrorGroupsRequest(queue=queue, limit=MOST_GROUPS))
    return answer


def _usual_order(status: str) -> str:
    return next(iter(ORDERS[status]))


def _other(order: str) -> str:
    return "newest" if order == "oldest" else "oldest"


def _tabs(row: QueueRow) -> tuple[tuple[str, int], ...]:
    statuses = ("failed",) if row.is_view else links.QUEUE_STATUSES
    return tuple((status, getattr(row.queue, status)) for status in statuses)

"""Page numbers, page sizes, and what stands between."""

from __future__ import annotations

from dataclasses import dataclass

from api_gateway.dashboard.site import PAGE_SIZE_COOKIE, Visit
from jobqueue.queue.v1 import job_pb2

SIZES = (10, 25, 50, 100)
MOST_PAGE = 1_000_000
AROUND = 2


@dataclass(frozen=True, slots=True)
class Pages:
    """Which page of how many. `shown`: the numbers to offer, 0 for a gap."""

    page: int
    size: int
    total: int
    last: int
    shown: tuple[int, ...]

    @property
    def first_item(self) -> int:
        """Number of the first item on the page."""
        return min((self.page - 1) * self.size + 1, self.total)

    @property
    def last_item(self) -> int:
        """Number of the last item on the page."""
        return min(self.page * self.size, self.total)


def pages_of(pagination: job_pb2.Pagination) -> Pages:
    """What to offer: the first, the last and those around this one."""
    page, last = pagination.page, max(1, pagination.total_pages)
    near = [n for n in range(1, last + 1 if last <= 7 else 2) if n <= last]  # noqa: PLR2004 - so few fit without gaps
    if last > 7:  # noqa: PLR2004 - see above
        near = sorted({1, last, *range(max(1, page - AROUND), min(last, page + AROUND) + 1)})
    shown: list[int] = []
    for n in near:
        if shown and n - shown[-1] > 1:
            shown.append(0)
        shown.append(n)
    return Pages(page, pagination.page_size, pagination.total, last, tuple(shown))


def page_of(visit: Visit) -> int:
    """The page the address asks for; anything odd is the first."""
    text = visit.query("page")
    return min(max(1, int(text)), MOST_PAGE) if text.isdecimal() and len(text) < 8 else 1  # noqa: PLR2004 - digits


def size_of(visit: Visit) -> int:
    """Items on a page: as the address says, else as this browser chose last, else as it is set."""
    for text in (visit.query("pageSize"), visit.request.cookies.get(PAGE_SIZE_COOKIE, "")):
        if text.isdecimal() and int(text[:4]) in SIZES:
            return int(text[:4])
    return visit.site.page_size

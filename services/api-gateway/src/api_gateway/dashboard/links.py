"""Addresses of the dashboard's pages. A word that begins with `~` is never a job id."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from api_gateway.root_path import at

QUEUE_STATUSES = ("waiting", "active", "delayed", "failed", "completed")


def queues() -> str:
    """Where everybody begins."""
    return at("/job-queues")


def schedules() -> str:
    """All schedules."""
    return at("/schedules")


def queue(name: str, **query: object) -> str:
    """A queue's page; empty values are left out."""
    return f"{queues()}/{quote(name, safe='')}{_query(query)}"


def job(queue_name: str, job_id: str, **query: object) -> str:
    """A job's page. Browsers take `.` and `..` out of a path, so jobs of these names go by a query."""
    if set(job_id) == {"."}:
        return f"{queues()}/{quote(queue_name, safe='')}/~job{_query({'id': job_id, **query})}"
    return f"{queues()}/{quote(queue_name, safe='')}/{quote(job_id, safe=':')}{_query(query)}"


def job_action(queue_name: str, job_id: str, action: str, **query: object) -> str:
    """The page that asks before it does something to a job."""
    return f"{queues()}/{quote(queue_name, safe='')}/~job/{action}{_query({'id': job_id, **query})}"


def bulk_action(queue_name: str, action: str) -> str:
    """Where a selection is sent to."""
    return f"{queues()}/{quote(queue_name, safe='')}/~bulk/{action}"


def schedule(queue_name: str, schedule_id: str) -> str:
    """A schedule's page. No schedule's id is `.` or `..`, or begins with `~`."""
    return f"{schedules()}/{quote(queue_name, safe='')}/{quote(schedule_id, safe='')}"


def with_query(path: str, **query: object) -> str:
    """A path with a query; empty values are left out."""
    return path + _query(query)


def local(target: str, otherwise: str = "") -> str:
    """The address when it stays on this site, else another; where everybody begins, unless said."""
    plain = target.startswith(at("/")) and not target.startswith("//") and target.isascii() and target.isprintable()
    return target if plain and "\\" not in target else otherwise or queues()


def _query(query: dict[str, object]) -> str:
    given = {name: value for name, value in query.items() if value not in (None, "", False)}
    return f"?{urlencode(given)}" if given else ""

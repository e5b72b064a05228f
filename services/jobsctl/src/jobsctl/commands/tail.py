"""Watching jobs as they end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from jobsctl.output import Row, duration_text, json_option, note, plain, print_json, time_text
from jobsctl.parameters import QUEUE, pass_gateway
from jobsctl.refusals import Refused
from jobsctl.rest import Gateway, path

PAGE = 100
MOST_PAGES = 10
"""Pages of one status read per look; when more jobs ended in between, that is said."""

COLORS = {"completed": "green", "failed": "red", "active": "cyan"}


@click.command()
@click.argument("queues", type=QUEUE, nargs=-1, metavar="[QUEUE]...")
@click.option("--every", type=click.FloatRange(0.2, 60), default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--last", type=click.IntRange(0, 100), default=0, help="Begin with so many that ended before.")
@click.option("--count", type=click.IntRange(1), help="End after so many lines.")
@json_option
@pass_gateway
def tail(
    gateway: Gateway, /, *, queues: tuple[str, ...], every: float, last: int, count: int | None, as_json: bool
) -> None:
    """Print jobs as they start and end, until Ctrl-C. With --json one object per line."""
    shown = 0
    try:
        for job in _ended(gateway, queues, every, last):
            print_json(job, lines=True) if as_json else _print(job)
            shown += 1
            if shown == count:
                return
    except KeyboardInterrupt:
        return


def _ended(gateway: Gateway, queues: tuple[str, ...], every: float, last: int) -> Iterator[Row]:
    """Jobs in the order in which things happened to them, as far as looking every so often can tell."""
    watch = {queue: Watch() for queue in queues or [row["name"] for row in gateway.get(path("queues"))]}
    watch.pop("dead-letter", None)  # the same jobs once more
    news = [job for queue, one in watch.items() for job in one.look(gateway, queue, pages=1)]
    yield from sorted(news, key=_moment)[-last:] if last else ()
    while True:
        time.sleep(every)
        try:
            news = [job for queue, one in watch.items() for job in one.look(gateway, queue, pages=MOST_PAGES)]
        except Refused as refusal:
            if not refusal.may_pass:
                raise
            note(f"{refusal.message}; trying again")
            continue
        yield from sorted(news, key=_moment)


class Watch:
    """What was seen of one queue."""

    def __init__(self) -> None:
        self._seen: dict[str, set[Any]] = {}

    def look(self, gateway: Gateway, queue: str, *, pages: int) -> list[Row]:
        """Jobs that started or ended since the last look."""
        return [job for status in COLORS for job in self._news(gateway, queue, status, pages)]

    def _news(self, gateway: Gateway, queue: str, status: str, pages: int) -> list[Row]:
        before, now, news = self._seen.get(status, set()), set(), []
        for page in range(1, pages + 1):
            jobs = gateway.get(path("queues", queue), status=status, page=page, pageSize=PAGE)["jobs"]
            now |= {(job["id"], _moment(job)) for job in jobs}
            fresh = [job for job in jobs if (job["id"], _moment(job)) not in before]
            news += fresh
            if len(jobs) < PAGE or len(fresh) < PAGE:
                break
        else:
            if status in self._seen:
                note(f"{queue}: more {status} jobs at once than can be shown")
        self._seen[status] = now | before if len(before) < 100 * PAGE else now
        return list({(job["id"], _moment(job)): job for job in news}.values())


def _moment(job: Row) -> int:
    return int(job.get("finishedOn") or job.get("processedOn") or 0)


def _print(job: Row) -> None:
    took = duration_text(job["finishedOn"] - job["processedOn"]) if {"finishedOn", "processedOn"} <= set(job) else ""
    word = click.style(f"{job['status']:9}", fg=COLORS.get(job["status"]))
    about = job.get("failedReason") if job["status"] == "failed" else took
    click.echo(f"{time_text(_moment(job))}  {word}  {job['queue']}  {plain(job['id'])}  {job['name']}  {plain(about)}")

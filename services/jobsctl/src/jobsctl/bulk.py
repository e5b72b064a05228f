"""Retrying, removing and cancelling: jobs named one by one, or all that match a filter, in steps that show."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

import click

from jobsctl.asking import confirm
from jobsctl.output import note, plain, print_json
from jobsctl.refusals import Exit, Refused
from jobsctl.rest import Gateway, path

MOST_AT_ONCE = 1_000
STEP = 250
"""Jobs per call: far within its deadline, and often enough for a progress bar."""

DONE = {"retry": "retried", "remove": "removed", "cancel": "cancelled, or asked to stop"}


@dataclass(slots=True)
class Result:
    """What became of a bulk action, as REST says it."""

    matched: int = 0
    done: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """With the names of the contract."""
        return {"matched": self.matched, "done": self.done, "skipped": self.skipped}


@dataclass(frozen=True, slots=True)
class How:
    """How an action is asked for."""

    reason: str
    dry_run: bool
    yes: bool
    as_json: bool


def act_on_ids(gateway: Gateway, verb: str, queue: str, ids: tuple[str, ...], how: How) -> None:
    """Act on each job. Exits with the status of the first refusal, after all were tried."""
    outcomes, first = [], None
    for job_id in ids:
        try:
            outcomes.append({"id": job_id, "outcome": _act_on(gateway, verb, queue, job_id, how)})
        except Refused as refusal:
            outcomes.append({"id": job_id, "code": refusal.code, "detail": refusal.message})
            first = first or refusal
    if how.as_json:
        print_json(outcomes)
    for one in outcomes:
        if "code" in one:
            note(f"{one['id']}: {one['detail']}")
        elif not how.as_json:
            click.echo(f"{plain(one['id'])}: {one['outcome']}")
    if first:
        raise click.exceptions.Exit(first.exit_code)


def act_on_matching(
    gateway: Gateway, verb: str, queue: str, which: dict[str, Any], how: How, *, limit: int | None
) -> None:
    """Look how many match, ask, and act step by step until none is left of as many as there were."""
    body = {**which, "reason": how.reason}
    seen = gateway.post(
        path("queues", queue, verb), {**body, "dryRun": True, "limit": min(limit or MOST_AT_ONCE, 1_000)}
    )
    matched = seen["matched"]
    words = f"{matched}{' or more' if matched == MOST_AT_ONCE and limit != matched else ''} jobs of {queue}"
    if how.dry_run:
        print_json(seen) if how.as_json else click.echo(f"would {verb} {words}")
        return
    result = Result()
    if matched:
        confirm(f"{verb.capitalize()} {words}?", yes=how.yes)
        there = _there(gateway, queue, which["status"])
        result = _run(gateway, path("queues", queue, verb), body, most=min(limit or there, max(there, matched)))
    if how.as_json:
        print_json(result.as_json())
    else:
        click.echo(f"{result.done} jobs {DONE[verb]}")
        for one in result.skipped:
            note(f"{one['id']}: {one['why']}")
    if result.matched and not result.done:
        raise click.exceptions.Exit(Exit.REFUSED)


def _act_on(gateway: Gateway, verb: str, queue: str, job_id: str, how: How) -> str:
    if how.dry_run:
        return f"is {gateway.get(path('queues', queue, job_id))['status']}"
    return str(gateway.post(path("queues", queue, job_id, verb), {"reason": how.reason})["outcome"])


def _there(gateway: Gateway, queue: str, status: str) -> int:
    """Jobs in the status now: as many are acted on at most, so that jobs which come back meanwhile are met once."""
    return int(gateway.get(path("queues", queue))[status])


def _run(gateway: Gateway, at: str, body: dict[str, Any], *, most: int) -> Result:
    result = Result()
    with click.progressbar(length=most, label="jobs", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        while result.matched < most:
            size = min(STEP, most - result.matched)
            answer = gateway.post_until_answered(at, {**body, "limit": size})
            result.matched += answer["matched"]
            result.done += answer["done"]
            result.skipped += answer["skipped"]
            bar.update(answer["matched"])
            if answer["matched"] < size or not answer["done"]:
                break
    return result

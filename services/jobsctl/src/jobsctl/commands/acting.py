"""Retry, remove and cancel, on jobs that are named or on all that match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from jobsctl.asking import dry_run_option, reason_option, yes_option
from jobsctl.bulk import How, act_on_ids, act_on_matching
from jobsctl.output import json_option
from jobsctl.parameters import QUEUE, STATES, JsonText, When, pass_gateway
from jobsctl.rest import Gateway, path

FINISHED = {"finished_before": "finishedBefore", "finished_after": "finishedAfter"}
NAMES = {
    "name": "name",
    "error_contains": "errorContains",
    "group": "group",
    "accepted_before": "acceptedBefore",
} | FINISHED


def action(command: Callable[..., Any]) -> Callable[..., Any]:
    """What the three have in common."""
    for option in (
        click.argument("queue", type=QUEUE),
        click.argument("ids", nargs=-1, metavar="[JOB_ID]..."),
        click.option("--all", "everything", is_flag=True, help="All jobs of the status, when nothing narrows it."),
        click.option("--name", help="Only jobs of this type."),
        click.option("--error-contains", help="Only jobs whose failed reason contains this."),
        click.option("--limit", type=click.IntRange(1, 10_000_000), help="At most this many."),
        reason_option, dry_run_option, yes_option, json_option, pass_gateway,
    )[::-1]:  # fmt: skip
        command = option(command)
    return command


def finished_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Narrowing by the end of jobs, for those that have one."""
    past = When(ahead=False)
    command = click.option("--finished-after", type=past, help="Only jobs that ended after this time.")(command)
    command = click.option("--finished-before", type=past, help="Only jobs that ended before, such as 2h ago.")(command)
    return click.option("--group", help="Only jobs of this error group.")(command)


@click.command()
@action
@finished_options
@click.option("--data", type=JsonText(), help="Run the one named job with this data instead.")
def retry(gateway: Gateway, /, *, data: Any, **given: Any) -> None:
    """Send failed jobs back to waiting, their attempts reset.

    Name jobs, or narrow what is meant: `retry tickets --error-contains smtp`. The queue dead-letter stands for the dead
    jobs of all queues.
    """
    if data is not None:
        _retry_with(gateway, data, given)
        return
    _act(gateway, "retry", "failed", given)


@click.command()
@click.option("--status", type=STATES, help="Which jobs; needed unless jobs are named. Not active ones.")
@action
@finished_options
def remove(gateway: Gateway, /, *, status: str | None, **given: Any) -> None:
    """Forget jobs, and their ids. This cannot be undone."""
    _act(gateway, "remove", status, given)


@click.command()
@click.option(
    "--status", type=click.Choice(["waiting", "delayed", "active"]), help="Which; needed unless jobs are named."
)
@action
@click.option("--accepted-before", type=When(ahead=False), help="Only jobs accepted before this time.")
def cancel(gateway: Gateway, /, *, status: str | None, **given: Any) -> None:
    """Cancel waiting and delayed jobs; ask the handlers of active ones to stop."""
    _act(gateway, "cancel", status, given)


def _act(gateway: Gateway, verb: str, status: str | None, given: dict[str, Any]) -> None:
    queue, ids, everything = given.pop("queue"), given.pop("ids"), given.pop("everything")
    limit = given.pop("limit")
    how = How(**{name: given.pop(name) for name in ("reason", "dry_run", "yes", "as_json")})
    narrowed = {NAMES[name]: value for name, value in given.items() if value is not None}
    if ids:
        if narrowed or everything or limit:
            raise click.UsageError("name jobs or narrow what is meant, not both")
        act_on_ids(gateway, verb, queue, ids, how)
        return
    if status is None:
        raise click.UsageError("name jobs, or give a --status")
    if not narrowed and not everything:
        raise click.UsageError(f"name jobs, narrow what is meant, or give --all for all {status} jobs of {queue}")
    act_on_matching(gateway, verb, queue, {"status": status, **narrowed}, how, limit=limit)


def _retry_with(gateway: Gateway, data: Any, given: dict[str, Any]) -> None:
    if len(given["ids"]) != 1:
        raise click.UsageError("--data is for one named job")
    (job_id,) = given["ids"]
    gateway.post(path("queues", given["queue"], job_id, "retry"), {"reason": given["reason"], "data": data})
    click.echo(f"{job_id}: retried with the data given")

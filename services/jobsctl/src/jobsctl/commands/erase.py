"""Erasing a person from the queues."""

from __future__ import annotations

from typing import Any

import click

from jobsctl.asking import confirm, dry_run_option, reason_option, yes_option
from jobsctl.output import at, json_option, note, print_json, print_table
from jobsctl.parameters import QUEUE, pass_gateway
from jobsctl.refusals import Exit
from jobsctl.rest import Gateway, path

VIEW = "dead-letter"
COLUMNS = ("queue", "removed", "redacted", "left", "lookedAt")


@click.command()
@click.argument("subject")
@click.argument("queues", type=QUEUE, nargs=-1, metavar="[QUEUE]...")
@dry_run_option
@reason_option
@yes_option
@json_option
@pass_gateway
def erase(
    gateway: Gateway, /, *, subject: str, queues: tuple[str, ...], dry_run: bool, reason: str, yes: bool, as_json: bool
) -> None:
    """Erase a person, SUBJECT as payloads name it, from all queues; exits with 4 when something still names it.

    The person's jobs are removed, what other jobs say of it is blotted out. The reason must not name the person.
    """
    if not dry_run:
        confirm("Remove the person's jobs for good?", yes=yes)
    body = {"subject": subject, "dryRun": dry_run, "reason": reason}
    names = queues or [row["name"] for row in gateway.get(path("queues")) if row["name"] != VIEW]
    found = [_erase(gateway, queue, body) for queue in names]
    if as_json:
        print_json(found)
    else:
        _print(found, dry_run=dry_run)
    if any(one["left"] for one in found):
        raise click.exceptions.Exit(Exit.REFUSED)


def _erase(gateway: Gateway, queue: str, body: dict[str, Any]) -> dict[str, Any]:
    """All stretches of one queue, added up."""
    total: dict[str, Any] = {"queue": queue, "removed": 0, "redacted": 0, "left": [], "lookedAt": 0}
    further = None
    while True:
        answer = gateway.post_until_answered(path("queues", queue, "erase"), {**body, "next": further})
        for name in ("removed", "redacted", "left", "lookedAt"):
            total[name] += answer[name]
        further = answer.get("next")
        if further is None:
            return total


def _print(found: list[dict[str, Any]], *, dry_run: bool) -> None:
    print_table([{**one, "left": len(one["left"])} for one in found], [(name, at(name)) for name in COLUMNS])
    left = [{"queue": one["queue"], **job} for one in found for job in one["left"]]
    if left:
        click.echo()
        print_table(left, [("queue", at("queue")), ("still names it", at("id")), ("why", at("why"))])
    if dry_run:
        note("nothing was changed")

"""Proving that nothing is lost, and mending what is damaged."""

from __future__ import annotations

import sys
from typing import Any

import click

from jobsctl.asking import confirm, need_reason, yes_option
from jobsctl.output import at, json_option, note, print_json, print_table
from jobsctl.parameters import QUEUE, pass_gateway
from jobsctl.refusals import Exit
from jobsctl.rest import Gateway, path

VIEW = "dead-letter"
COLUMNS = (
    "queue", "accepted", "adjusted", "waiting", "active", "delayed", "completed", "failed", "removed", "replaced",
    "pruned", "missing", "findings",
)  # fmt: skip


@click.command()
@click.argument("queues", type=QUEUE, nargs=-1, metavar="[QUEUE]...")
@click.option("--repair", is_flag=True, help="Mend what is found; each repair goes into the audit log.")
@click.option("--reason", help="Why; needed for a repair.")
@yes_option
@json_option
@pass_gateway
def reconcile(
    gateway: Gateway, /, *, queues: tuple[str, ...], repair: bool, reason: str | None, yes: bool, as_json: bool
) -> None:
    """Prove that all accepted jobs are accounted for; exits with 7 when something is damaged and not mended.

    All queues when none is named. It may run while the queues work.
    """
    body: dict[str, Any] = {}
    if repair:
        body = {"repair": True, "reason": need_reason(reason)}
        confirm("Mend whatever is found?", yes=yes)
    rows = {row["name"]: row for row in gateway.get(path("queues"))}
    found = [_prove(gateway, queue, rows.get(queue, {}), body) for queue in queues or rows if queue != VIEW or queues]
    if as_json:
        print_json(found)
    else:
        _print(found, repair=repair)
    if any(one["findings"] for one in found) and not repair:
        raise click.exceptions.Exit(Exit.DAMAGED)


def _prove(gateway: Gateway, queue: str, row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The whole proof of one queue, with a progress bar that is about right."""
    findings: list[dict[str, Any]] = []
    looked_at, further, answer = 0, None, {}
    expected = 2 * sum(row.get(state, 0) for state in ("waiting", "active", "delayed", "completed", "failed"))
    with click.progressbar(
        length=max(1, expected), label=queue, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        while True:
            answer = gateway.post_until_answered(path("queues", queue, "reconcile"), {**body, "next": further})
            findings += answer["findings"]
            looked_at += answer["lookedAt"]
            bar.update(answer["lookedAt"])
            further = answer.get("next")
            if further is None:
                bar.finish()
                break
    return {"queue": queue, "findings": findings, "lookedAt": looked_at, "balance": answer["balance"]}


def _print(found: list[dict[str, Any]], *, repair: bool) -> None:
    rows = [{"queue": one["queue"], "findings": len(one["findings"]), **one["balance"]} for one in found]
    print_table(rows, [(name, at(name)) for name in COLUMNS])
    damages = [{"queue": one["queue"], **finding} for one in found for finding in one["findings"]]
    if damages:
        click.echo()
        print_table(damages, [("queue", at("queue")), ("finding", at("kind")), ("job", at("jobId")),
                              ("detail", at("detail"))])  # fmt: skip
        note("each of them was mended" if repair else "nothing was changed; --repair mends it")

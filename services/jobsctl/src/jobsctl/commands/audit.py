"""The record of manual actions: reading it, and proving that nobody changed it."""

from __future__ import annotations

from typing import Any

import click

from jobsctl.output import at, json_option, note, print_fields, print_json, print_table, time_at, time_text
from jobsctl.parameters import QUEUE, When, pass_gateway
from jobsctl.refusals import Exit
from jobsctl.rest import Gateway, path


@click.group()
def audit() -> None:
    """Read and verify the record of manual actions."""


@audit.command(name="list")
@click.option("--queue", type=QUEUE)
@click.option("--job", "job_id", help="Only this job's.")
@click.option("--actor", help="Only what this user or service did.")
@click.option("--action", help="Only this, such as retry, cancel or pause.")
@click.option("--request", "request_id", help="Only what this call asked for, by its x-request-id.")
@click.option("--since", "from_", type=When(ahead=False), help="Not before this time, such as 2h ago.")
@click.option("--until", "to", type=When(ahead=False), help="Before this time.")
@click.option("--page", type=click.IntRange(1, 1_000_000), default=1)
@click.option("--page-size", type=click.IntRange(1, 100), default=25, show_default=True)
@json_option
@pass_gateway
def list_(gateway: Gateway, /, *, as_json: bool, **given: Any) -> None:
    """List records, newest first."""
    names = {"from_": "from", "page_size": "pageSize", "job_id": "jobId", "request_id": "requestId"}
    query = {names.get(name, name): value for name, value in given.items()}
    answer = gateway.get(path("audit"), **query)
    if as_json:
        print_json(answer)
        return
    print_table(answer["data"], [("no", at("id")), ("when", time_at("createdAt")), ("action", at("action")),
                                 ("queue", at("queue")), ("job", at("jobId")), ("actor", at("actorUserId")),
                                 ("request", at("requestId")), ("reason", at("reason"))])  # fmt: skip
    shown = answer["pagination"]
    if shown["totalPages"] > 1:
        note(f"page {shown['page']} of {shown['totalPages']}, {shown['total']} records in all")


@audit.command()
@json_option
@pass_gateway
def verify(gateway: Gateway, /, *, as_json: bool) -> None:
    """Prove the hash chain from its first record on; exits with 7 when it is broken, with 5 when time ran out."""
    answer = gateway.get(path("audit", "verify"))
    if as_json:
        print_json(answer)
    elif answer["intact"]:
        so_far = "" if answer["complete"] else " so far; `audit status` says how far the log came by itself"
        click.echo(f"intact: {answer['checked']} records{so_far}, head {answer['head'] or '-'}")
    else:
        click.echo(f"broken at record {answer['brokenAt']}, {answer['checked']} records were checked")
    if not answer["intact"]:
        raise click.exceptions.Exit(Exit.DAMAGED)
    if not answer["complete"]:
        raise click.exceptions.Exit(Exit.UNAVAILABLE)


@audit.command()
@json_option
@pass_gateway
def status(gateway: Gateway, /, *, as_json: bool) -> None:
    """Say how far the log has verified itself; exits with 7 when it found a break."""
    answer = gateway.get(path("audit", "verification"))
    if as_json:
        print_json(answer)
    else:
        print_fields(
            [
                ("intact", answer["intact"]),
                ("broken at", answer.get("brokenAt")),
                ("found", time_text(answer.get("brokenSince"))),
                ("records", answer["entries"]),
                ("verified up to", answer["verified"]),
                ("at", time_text(answer.get("verifiedAt"))),
                ("from the first on", time_text(answer.get("wholeAt"))),
                ("head", answer["head"]),
            ]
        )
    if not answer["intact"]:
        raise click.exceptions.Exit(Exit.DAMAGED)

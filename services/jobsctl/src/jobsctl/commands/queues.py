"""Queues: what is in them, pausing and resuming."""

from __future__ import annotations

import click

from jobsctl.asking import reason_option
from jobsctl.output import Row, at, duration_text, json_option, note, print_json, print_table, time_text
from jobsctl.parameters import QUEUE, pass_gateway
from jobsctl.rest import Gateway, path


@click.command()
@json_option
@pass_gateway
def queues(gateway: Gateway, /, *, as_json: bool) -> None:
    """List the queues with what is in them."""
    rows = gateway.get(path("queues"))
    if as_json:
        print_json(rows)
        return
    counts = [(name, at(name)) for name in ("waiting", "active", "delayed", "completed", "failed", "dead", "workers")]
    print_table(rows, [("queue", at("name")), *counts, ("oldest", _oldest), ("paused", _paused)])


@click.command()
@click.argument("queue", type=QUEUE)
@reason_option
@json_option
@pass_gateway
def pause(gateway: Gateway, /, *, queue: str, reason: str, as_json: bool) -> None:
    """Hand out no more jobs of a queue; running ones go on."""
    _change(gateway, queue, "pause", reason, as_json=as_json)


@click.command()
@click.argument("queue", type=QUEUE)
@reason_option
@json_option
@pass_gateway
def resume(gateway: Gateway, /, *, queue: str, reason: str, as_json: bool) -> None:
    """Hand out a paused queue's jobs again."""
    _change(gateway, queue, "resume", reason, as_json=as_json)


def _change(gateway: Gateway, queue: str, verb: str, reason: str, *, as_json: bool) -> None:
    answer = gateway.post(path("queues", queue, verb), {"reason": reason})
    if as_json:
        print_json(answer)
    elif answer["outcome"] == "unchanged":
        note(f"{queue} was so already; nothing was recorded")
    else:
        click.echo(f"{queue} is {answer['outcome']}")


def _oldest(row: Row) -> str:
    age = row.get("oldestWaitingMs")
    return "" if age is None else duration_text(age)


def _paused(row: Row) -> str:
    if not row["paused"]:
        return ""
    reason = f": {row['pausedReason']}" if row.get("pausedReason") else ""
    return f"since {time_text(row.get('pausedAt'))} by {row.get('pausedBy')}{reason}"

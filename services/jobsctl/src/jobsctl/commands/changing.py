"""Handing over one job, and moving its due time."""

from __future__ import annotations

from typing import Any

import click

from jobsctl.asking import reason_option
from jobsctl.output import json_option, note, print_json
from jobsctl.parameters import QUEUE, JsonText, When, pass_gateway
from jobsctl.rest import Gateway, path


@click.command()
@click.argument("queue", type=QUEUE)
@click.argument("name")
@click.argument("data", type=JsonText(), default="{}")
@click.option("--id", "job_id", help="Its id; made from the data by its type, or random, when absent.")
@click.option("--delay", type=click.IntRange(0, 31_536_000), metavar="SECONDS", help="Run it so much later.")
@click.option("--due", type=When(ahead=True), help="Run it at this time, or so much later.")
@click.option("--priority", type=click.IntRange(0, 1_000_000), help="0 is taken first.")
@click.option("--attempts", type=click.IntRange(1, 100), help="How often it may be tried.")
@click.option("--replace", is_flag=True, help="Replace a job of the same id that does not run.")
@json_option
@pass_gateway
def enqueue(gateway: Gateway, /, *, queue: str, name: str, data: Any, as_json: bool, **chosen: Any) -> None:
    """Hand over a job. DATA is JSON, @file, or - for the standard input."""
    delay = chosen.pop("delay")
    options = {
        "jobId": chosen["job_id"],
        "delay": None if delay is None else delay * 1_000,
        "dueAt": chosen["due"],
        "priority": chosen["priority"],
        "attempts": chosen["attempts"],
        "ifExists": "replace" if chosen["replace"] else None,
    }
    given = {option: value for option, value in options.items() if value is not None}
    answer = gateway.post(path("queues", queue), {"name": name, "data": data, "opts": given or None})
    if as_json:
        print_json(answer)
        return
    click.echo(answer["id"])
    if not answer["created"]:
        note(f"it was known already and is {answer['status']}")


@click.command()
@click.argument("queue", type=QUEUE)
@click.argument("job_id")
@click.option("--at", "due", type=When(ahead=True), help="Its new due time, or so much from now; now when absent.")
@reason_option
@json_option
@pass_gateway
def reschedule(gateway: Gateway, /, *, queue: str, job_id: str, due: int | None, reason: str, as_json: bool) -> None:
    """Give a waiting or delayed job another due time, or let it run now."""
    answer = gateway.post(path("queues", queue, job_id, "reschedule"), {"dueAt": due, "reason": reason})
    if as_json:
        print_json(answer)
    elif answer["outcome"] == "unchanged":
        note(f"{job_id} was due then already")
    else:
        click.echo(f"{job_id} is {answer['outcome']}")

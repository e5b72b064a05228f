"""Schedules: jobs by the clock, listed, set, paused, run and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from jobsctl.asking import confirm, dry_run_option, reason_option, yes_option
from jobsctl.output import Row, at, json_option, note, plain, print_fields, print_json, print_table, time_at, time_text
from jobsctl.parameters import QUEUE, JsonText, pass_gateway
from jobsctl.rest import Gateway, path

DONE = {"paused": "is paused", "resumed": "makes jobs again"}


@click.group()
def schedules() -> None:
    """Jobs by the clock: cron or an interval."""


@schedules.command("list")
@click.option("--queue", type=QUEUE, help="Only those of this queue.")
@json_option
@pass_gateway
def list_(gateway: Gateway, /, *, queue: str | None, as_json: bool) -> None:
    """List schedules, with when they run next and what their latest run came to."""
    rows = gateway.get(path("schedules"), queue=queue)
    if as_json:
        print_json(rows)
        return
    columns = [("queue", at("queue")), ("id", at("id")), ("type", at("name")), ("runs", at("recurrence"))]
    print_table(rows, [*columns, ("next", _next), ("last", _last)])


@schedules.command()
@click.argument("queue", type=QUEUE)
@click.argument("schedule_id")
@json_option
@pass_gateway
def show(gateway: Gateway, /, *, queue: str, schedule_id: str, as_json: bool) -> None:
    """Show one schedule with its data and its next times."""
    found = gateway.get(path("schedules", queue, schedule_id))
    if as_json:
        print_json(found)
        return
    totals = f"{found['runsTotal']} runs, {found['failedTotal']} failed, {found['missedTotal']} missed"
    fields = [
        ("queue", found["queue"]),
        ("type", found["name"]),
        ("data", json.dumps(found["data"])),
        ("so far", totals),
    ]
    fields += [("runs", found["recurrence"]), ("last", _last(found)), ("next", _next(found))]
    print_fields(fields)
    for due in found["upcoming"]:
        click.echo(f"  {time_text(due)}")


@schedules.command("set")
@click.argument("queue", type=QUEUE)
@click.argument("schedule_id")
@click.argument("name")
@click.argument("data", type=JsonText(), default="{}")
@click.option("--cron", help="Minute, hour, day, month and weekday.")
@click.option("--every", type=click.IntRange(1, 31_536_000), metavar="SECONDS", help="Instead of --cron.")
@click.option("--time-zone", default="UTC", show_default=True, help="What --cron is meant in.")
@click.option("--catch-up", type=click.Choice(["one", "skip"]), default="one", help="What becomes of missed times.")
@dry_run_option
@reason_option
@json_option
@pass_gateway
def set_(
    gateway: Gateway,
    /,
    *,
    queue: str,
    schedule_id: str,
    name: str,
    data: Any,
    reason: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Make a schedule, or change it to exactly this. DATA is JSON, @file, or - for the standard input."""
    body = {
        "name": name,
        "data": data,
        "cron": chosen["cron"],
        "interval": chosen["every"] and chosen["every"] * 1_000,
        "timeZone": chosen["time_zone"],
        "catchUp": chosen["catch_up"],
        "dryRun": chosen["dry_run"],
        "reason": reason,
    }
    answer = gateway.put(path("schedules", queue, schedule_id), body)
    if as_json:
        print_json(answer)
        return
    would = "would be " if chosen["dry_run"] else "is "
    click.echo(f"{schedule_id} {would}{answer['outcome']}: {plain(answer['schedule']['recurrence'])}")
    for due in answer["upcoming"]:
        click.echo(f"  {time_text(due)}")


def _changing(verb: str, says: str) -> click.Command:
    """The command that pauses or resumes."""

    @click.argument("queue", type=QUEUE)
    @click.argument("schedule_id")
    @reason_option
    @json_option
    @pass_gateway
    def change(gateway: Gateway, /, *, queue: str, schedule_id: str, reason: str, as_json: bool) -> None:
        answer = gateway.post(path("schedules", queue, schedule_id, verb), {"reason": reason})
        if as_json:
            print_json(answer)
        elif answer["outcome"] == "unchanged":
            note(f"{schedule_id} was so already; nothing was recorded")
        else:
            click.echo(f"{schedule_id} {DONE[answer['outcome']]}")

    make: Callable[[Callable[..., Any]], click.Command] = click.command(verb, help=says)
    return make(change)


schedules.add_command(_changing("pause", "Let a schedule make no more jobs; those it made stay."))
schedules.add_command(_changing("resume", "Let a paused schedule make jobs again, from its next time on."))


@schedules.command()
@click.argument("queue", type=QUEUE)
@click.argument("schedule_id")
@reason_option
@json_option
@pass_gateway
def run(gateway: Gateway, /, *, queue: str, schedule_id: str, reason: str, as_json: bool) -> None:
    """Enqueue one of its jobs at once, and print the job's id; its times stay as they are."""
    answer = gateway.post(path("schedules", queue, schedule_id, "run"), {"reason": reason})
    if as_json:
        print_json(answer)
    else:
        click.echo(answer["id"])


@schedules.command()
@click.argument("queue", type=QUEUE)
@click.argument("schedule_id")
@yes_option
@reason_option
@json_option
@pass_gateway
def remove(gateway: Gateway, /, *, queue: str, schedule_id: str, reason: str, yes: bool, as_json: bool) -> None:
    """Forget a schedule; its jobs stay."""
    confirm(f"Remove the schedule {schedule_id} of {queue}?", yes=yes)
    answer = gateway.post(path("schedules", queue, schedule_id, "remove"), {"reason": reason})
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{schedule_id} is removed")


def _next(row: Row) -> str:
    return "paused" if row["paused"] else time_at("nextRun")(row)


def _last(row: Row) -> str:
    run_ = row.get("lastRun")
    if not run_:
        return ""
    return f"{time_text(run_['ranAt'])} {run_['outcome']} {run_.get('problem') or run_.get('jobId') or ''}".rstrip()

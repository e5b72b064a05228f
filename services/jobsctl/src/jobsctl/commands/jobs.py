"""Looking at jobs: lists, searches, errors, one job, job types."""

from __future__ import annotations

import json
from typing import Any

import click

from jobsctl.output import (
    Row,
    at,
    duration_text,
    json_option,
    note,
    plain,
    print_fields,
    print_json,
    print_table,
    time_at,
    time_text,
)
from jobsctl.parameters import QUEUE, STATES, pass_gateway
from jobsctl.rest import Gateway, path


def _attempts(row: Row) -> str:
    return f"{row['attemptsMade']}/{row['maxAttempts']}"


def _when(row: Row) -> str:
    """What is next, or what was last."""
    for name, word in (("finishedOn", ""), ("dueAt", "due "), ("processedOn", "since ")):
        if row.get(name) and (name != "processedOn" or row["status"] == "active"):
            return word + time_text(row[name])
    return ""


COLUMNS = [
    ("id", at("id")), ("type", at("name")), ("status", at("status")), ("attempts", _attempts),
    ("accepted", time_at("timestamp")), ("when", _when), ("reason", at("failedReason")),
]  # fmt: skip


@click.command()
@click.argument("queue", type=QUEUE)
@click.option("--status", type=STATES, default="failed", show_default=True, help="Which jobs.")
@click.option("--group", help="Only those of an error group (see `errors`).")
@click.option("--find", "text", help="Instead: whose id or type begins like this, in any status.")
@click.option("--order", type=click.Choice(["oldest", "newest"]), help="Which end first.")
@click.option("--page", type=click.IntRange(1, 1_000_000), default=1)
@click.option("--page-size", type=click.IntRange(1, 100), default=25, show_default=True)
@json_option
@pass_gateway
def jobs(gateway: Gateway, /, *, queue: str, text: str | None, as_json: bool, **query: Any) -> None:
    """List a queue's jobs; those of dead-letter are the dead ones of all queues."""
    if text:
        answer = gateway.get(path("find"), text=text, queue=queue, limit=query["page_size"])
    else:
        size = query.pop("page_size")
        answer = gateway.get(path("queues", queue), pageSize=size, **query)
    if as_json:
        print_json(answer)
        return
    print_table(answer["jobs"], COLUMNS)
    if text:
        if not answer["complete"]:
            note(f"there may be more: {answer['lookedAt']} jobs were looked at")
        return
    shown = answer["pagination"]
    if shown["totalPages"] > 1:
        note(f"page {shown['page']} of {shown['totalPages']}, {shown['total']} jobs in all")


@click.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
@pass_gateway
def find(gateway: Gateway, /, *, text: str, limit: int, as_json: bool) -> None:
    """Find a job in all queues by its exact id."""
    answer = gateway.get(path("find"), text=text, limit=limit)
    if as_json:
        print_json(answer)
    else:
        print_table(answer["jobs"], [("queue", at("queue")), *COLUMNS])


@click.command()
@click.argument("queue", type=QUEUE)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@json_option
@pass_gateway
def errors(gateway: Gateway, /, *, queue: str, limit: int, as_json: bool) -> None:
    """Group a queue's failed jobs by the way they failed."""
    answer = gateway.get(path("errors", queue), limit=limit)
    if as_json:
        print_json(answer)
        return
    columns = [("jobs", at("count")), ("group", at("id")), ("type", at("name")), ("last seen", time_at("lastSeen")),
               ("error", lambda row: f"{row['errorClass']}: {row['line']}".removeprefix(": "))]  # fmt: skip
    print_table(answer["groups"], columns)
    if answer["total"] > len(answer["groups"]):
        note(f"the largest {len(answer['groups'])} of {answer['total']} groups")


@click.command()
@json_option
@pass_gateway
def types(gateway: Gateway, /, *, as_json: bool) -> None:
    """List the job types that workers declared."""
    rows = gateway.get(path("types"))
    if as_json:
        print_json(rows)
        return
    print_table(rows, [("type", at("name")), ("queue", at("queue")), ("version", at("version")),
                       ("attempts", at("attempts")), ("timeout", lambda row: duration_text(row["timeout"])),
                       ("id", at("idTemplate"))])  # fmt: skip


@click.command()
@click.argument("queue", type=QUEUE)
@click.argument("job_id")
@json_option
@pass_gateway
def show(gateway: Gateway, /, *, queue: str, job_id: str, as_json: bool) -> None:
    """Show one job: its data, attempts, log, and why it does not run."""
    job = gateway.get(path("queues", queue, job_id))
    if as_json:
        print_json(job)
        return
    print_fields(_summary(job))
    _section("data", json.dumps(job.get("data"), indent=2, ensure_ascii=False))
    _section("result", json.dumps(job["returnvalue"], indent=2, ensure_ascii=False) if "returnvalue" in job else "")
    if job["attempts"]:
        click.echo()
        print_table(job["attempts"], [("attempt", at("delivery")), ("outcome", at("outcome")),
                                      ("started", time_at("startedOn")), ("ended", time_at("endedOn")),
                                      ("worker", at("worker")), ("error", at("error"))])  # fmt: skip
    _section("log", "\n".join(f"{time_text(line['timestamp'])}  {line['text']}" for line in job["logs"]))
    _section("stack of the last error", "\n".join(job["stacktrace"]))
    _section("related", "\n".join(f"{one['relation']}  {one['queue']}:{one['id']}" for one in job["related"]))


def _summary(job: Row) -> list[tuple[str, object]]:
    dead = "dead" if job["dead"] else "cancelled" if job["cancelled"] else ""
    return [
        ("job", f"{job['queue']}:{job['id']}" if not job.get("originalQueue") else job["id"]),
        ("type", job["name"]),
        ("status", f"{job['status']} ({dead})" if dead else job["status"]),
        ("why", job.get("explanation")),
        ("reason", job.get("failedReason")),
        ("attempts", f"{job['attemptsMade']} of {job['maxAttempts']}, {job['deliveries']} deliveries"),
        ("priority", job["priority"]),
        ("accepted", time_text(job["timestamp"])),
        ("due", time_text(job.get("dueAt"))),
        ("started", time_text(job.get("processedOn"))),
        ("finished", time_text(job.get("finishedOn"))),
        ("worker", job.get("worker")),
        ("owner", job["owner"]),
        ("error group", job.get("group")),
        ("cancel", "requested" if job["cancelRequested"] else ""),
        ("progress", json.dumps(job["progress"]) if "progress" in job else ""),
    ]


def _section(title: str, text: str) -> None:
    if not text:
        return
    click.secho(f"\n{title}", bold=True)
    for line in text.splitlines():
        click.echo(f"  {plain(line)}")

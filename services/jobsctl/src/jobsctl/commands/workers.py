"""Workers: what they do, draining and resuming them."""

from __future__ import annotations

import sys
import time

import click

from jobsctl.asking import reason_option
from jobsctl.output import Row, at, duration_text, json_option, note, print_json, print_table, time_at
from jobsctl.parameters import WORKER, pass_gateway
from jobsctl.refusals import Exit, Refused
from jobsctl.rest import Gateway, path

LOOK_SECONDS = 0.5


@click.command()
@click.option("--running", is_flag=True, help="Instead: list the jobs whose handlers run.")
@json_option
@pass_gateway
def workers(gateway: Gateway, /, *, running: bool, as_json: bool) -> None:
    """List the workers that are alive with what they do."""
    rows = gateway.get(path("workers"))
    if running:
        rows = [{"worker": row["id"], **job} for row in rows for job in row["running"]]
    if as_json:
        print_json(rows)
    elif running:
        print_table(rows, [("worker", at("worker")), ("queue", at("queue")), ("job", at("jobId")), ("type", at("name")),
                           ("for", _age)])  # fmt: skip
    else:
        print_table(rows, [("worker", at("id")), ("state", _state), ("busy", _busy), ("queues", _queues),
                           ("version", at("version")), ("started", time_at("startedAt")),
                           ("last seen", time_at("lastSeen"))])  # fmt: skip


@click.command()
@click.argument("worker_id", type=WORKER)
@click.option("--wait", is_flag=True, help="Wait until it runs nothing any more.")
@click.option(
    "--wait-seconds", type=click.IntRange(1, 86_400), default=300, show_default=True, help="How long at most."
)
@reason_option
@json_option
@pass_gateway
def drain(gateway: Gateway, /, *, worker_id: str, wait: bool, wait_seconds: int, reason: str, as_json: bool) -> None:
    """Let a worker finish what it runs and take nothing more."""
    answer = gateway.post(path("workers", worker_id, "drain"), {"reason": reason})
    if wait:
        _wait_until_idle(gateway, worker_id, wait_seconds)
    _say(worker_id, answer, "idle" if wait else "drained", as_json=as_json)


@click.command(name="resume-worker")
@click.argument("worker_id", type=WORKER)
@reason_option
@json_option
@pass_gateway
def resume_worker(gateway: Gateway, /, *, worker_id: str, reason: str, as_json: bool) -> None:
    """Let a drained worker take jobs again."""
    answer = gateway.post(path("workers", worker_id, "resume"), {"reason": reason})
    _say(worker_id, answer, "resumed", as_json=as_json)


def _wait_until_idle(gateway: Gateway, worker_id: str, seconds: int) -> None:
    give_up_at = time.monotonic() + seconds
    most = left = _left(gateway, worker_id)
    with click.progressbar(length=most, label="jobs", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        while left:
            if time.monotonic() > give_up_at:
                raise Refused("DEADLINE", f"{worker_id} still runs {left} jobs", exit_code=Exit.UNAVAILABLE)
            time.sleep(LOOK_SECONDS)
            before, left = left, _left(gateway, worker_id)
            bar.update(max(0, before - left))


def _left(gateway: Gateway, worker_id: str) -> int:
    """Jobs it holds; none when it is gone."""
    rows = [row for row in gateway.get(path("workers")) if row["id"] == worker_id]
    return sum(row["status"]["busy"] + row["status"]["prefetched"] for row in rows if row["reachable"])


def _say(worker_id: str, answer: Row, word: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    elif answer["outcome"] == "unchanged":
        note(f"{worker_id} was so already; nothing was recorded")
    else:
        click.echo(f"{worker_id} is {word}")


def _state(row: Row) -> str:
    if not row["reachable"]:
        return "unreachable"
    return "draining" if row["status"]["draining"] else "taking jobs"


def _busy(row: Row) -> str:
    return f"{row['status']['busy']}/{row['status']['threads']}" if row["reachable"] else ""


def _queues(row: Row) -> str:
    return ",".join(row["queues"])


def _age(row: Row) -> str:
    return duration_text(max(0, round(time.time() * 1_000) - row["startedOn"]))

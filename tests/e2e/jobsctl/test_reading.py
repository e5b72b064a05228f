"""Every command that only looks, in both outputs."""

from __future__ import annotations

import click
import httpx
import pytest

from fixtures.stack import RunningStack
from jobsctl.cli import jobsctl
from support.command_line import CommandLine
from support.waiting import wait_until

READING = {
    "queues": (("queues",), "/jobs/queues", "QUEUE"),
    "jobs": (("jobs", "notifications", "--status", "delayed"), "/jobs/queues/notifications?status=delayed", "ID"),
    "jobs by page": (
        ("jobs", "notifications", "--status", "delayed", "--page-size", "1", "--order", "newest"),
        "/jobs/queues/notifications?status=delayed&pageSize=1&order=newest",
        "ID",
    ),
    "jobs by beginning": (
        ("jobs", "notifications", "--find", "ctl-", "--page-size", "3"),
        "/jobs/find?text=ctl-&queue=notifications&limit=3",
        "ID",
    ),
    "find": (("find", "{job}"), "/jobs/find?text={job}&limit=20", "QUEUE"),
    "show": (("show", "notifications", "{job}"), "/jobs/queues/notifications/{job}", "job"),
    "errors": (("errors", "notifications"), "/jobs/errors/notifications", "JOBS"),
    "types": (("types",), "/jobs/types", "TYPE"),
    "workers": (("workers",), "/jobs/workers", "WORKER"),
    "audit list": (("audit", "list", "--job", "{job}"), "/jobs/audit?jobId={job}", "NO"),
    "audit list of a request": (("audit", "list", "--request", "no-such"), "/jobs/audit?requestId=no-such", "NO"),
    "audit verify": (("audit", "verify"), "/jobs/audit/verify", "intact"),
    "audit status": (("audit", "status"), "/jobs/audit/verification", "intact"),
}
MOVING = (
    "lastSeen",
    "oldestWaitingMs",
    "verifiedAt",
    "checked",
    "entries",
    "verified",
    "head",
    "wholeAt",
    "underWay",
)


def still(value: object) -> object:
    """Without what moves from one look to the next."""
    if isinstance(value, dict):
        return {name: still(one) for name, one in value.items() if name not in MOVING}
    return [still(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", list(READING))
def test_what_rest_says_is_shown_as_a_table_and_as_json(
    ops: CommandLine, stack: RunningStack, job: str, name: str
) -> None:
    words, path, first_word = READING[name]
    words = tuple(word.replace("{job}", job) for word in words)
    headers = {"authorization": f"Bearer {ops.token}"}
    if name == "audit list":
        wait_until(lambda: ops.json(*words)["data"])

    rest = httpx.get(stack.url + path.replace("{job}", job), headers=headers, timeout=10).raise_for_status().json()

    assert still(ops.json(*words)) == still(rest)
    table = ops.out(*words)
    assert table.lstrip().startswith(first_word)  # numbers stand right
    if "{job}" in path and name != "audit list":
        assert job in table


def test_every_command_is_in_a_test_of_this_folder(request: pytest.FixtureRequest) -> None:
    tests = "".join(path.read_text() for path in request.path.parent.glob("test_*.py"))

    assert [path for path in commands(jobsctl) if '", "'.join(path) not in tests] == []


def commands(group: click.Group, *above: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found += commands(command, *above, name) if isinstance(command, click.Group) else [(*above, name)]
    return found


def test_a_job_is_shown_with_all_that_is_known_of_it(ops: CommandLine, job: str) -> None:
    shown = ops.out("show", "notifications", job)

    assert "send-notification" in shown
    assert "delayed" in shown
    assert '"message": "From the command line"' in shown
    assert "due" in shown


def test_running_jobs_can_be_listed(ops: CommandLine) -> None:
    assert ops.out("workers", "--running").startswith("WORKER")
    assert isinstance(ops.json("workers", "--running"), list)


def test_more_pages_are_announced_beside_the_table(ops: CommandLine, job: str) -> None:
    for _ in range(2):
        ops.out("enqueue", "notifications", "send-notification", "@" + data_file(ops), "--delay", "3600")

    result = ops.run("jobs", "notifications", "--status", "delayed", "--page-size", "1")

    assert "page 1 of" in result.stderr
    assert len(result.stdout.splitlines()) == 2


def data_file(ops: CommandLine) -> str:
    path = ops.home / "data.json"
    path.write_text('{"type": "email", "recipientId": "nobody", "subject": "Hello", "message": "From a file"}')
    return str(path)

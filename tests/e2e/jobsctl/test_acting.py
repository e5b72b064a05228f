"""What operators do to jobs, queues and workers, what is recorded of it, and the exit status of what is refused."""

from __future__ import annotations

import pytest

from e2e.jobsctl.conftest import DATA, delayed
from support.command_line import CommandLine
from support.waiting import wait_until

QUEUE = "notifications"
WHY = ("--reason", "a test")


def recorded(ops: CommandLine, job: str) -> list[tuple[str, str]]:
    """(action, reason) of a job's audit records, oldest first."""
    found = ops.json("audit", "list", "--job", job)["data"]
    return [(record["action"], record.get("reason", "")) for record in reversed(found)]


def test_one_job_is_cancelled_retried_and_removed_each_with_its_record(ops: CommandLine, job: str) -> None:
    assert ops.out("cancel", QUEUE, job, *WHY) == f"{job}: cancelled\n"
    assert ops.out("retry", QUEUE, job, *WHY) == f"{job}: retried\n"
    wait_until(lambda: ops.json("show", QUEUE, job)["status"] == "failed")  # there is no such recipient
    assert ops.json("remove", QUEUE, job, *WHY) == [{"id": job, "outcome": "removed"}]

    assert ops.fails("show", QUEUE, job)[0] == 3
    wait_until(lambda: len(recorded(ops, job)) == 4)
    assert recorded(ops, job) == [("enqueue", ""), *((verb, "a test") for verb in ("cancel", "retry", "remove"))]


def test_many_jobs_are_cancelled_after_a_dry_run_and_a_yes(ops: CommandLine) -> None:
    jobs = [delayed(ops) for _ in range(3)]
    which = ("--status", "delayed", "--name", "send-notification", "--limit", "1000")

    assert ops.json("cancel", QUEUE, *which, "--dry-run", *WHY)["matched"] >= 3
    assert "would cancel" in ops.out("cancel", QUEUE, *which, "--dry-run", *WHY)
    status, said = ops.fails("cancel", QUEUE, *which, *WHY)
    assert (status, "--yes" in said) == (2, True)
    assert {ops.json("show", QUEUE, job)["status"] for job in jobs} == {"delayed"}

    answer = ops.json("cancel", QUEUE, *which, "--yes", *WHY)

    assert answer["done"] == answer["matched"] >= 3
    assert {ops.json("show", QUEUE, job)["cancelled"] for job in jobs} == {True}


def test_a_filter_that_meets_nothing_does_nothing_without_asking(ops: CommandLine) -> None:
    assert ops.out("retry", QUEUE, "--error-contains", "no such words", *WHY) == "0 jobs retried\n"
    assert ops.json("remove", QUEUE, "--status", "completed", "--finished-before", "52w", *WHY)["matched"] == 0


def test_cancelled_jobs_of_one_error_group_are_removed(ops: CommandLine, job: str) -> None:
    ops.out("cancel", QUEUE, job, "--reason", f"only {job}")
    group = ops.json("show", QUEUE, job)["group"]

    assert ops.json("remove", QUEUE, "--status", "failed", "--group", group, "--yes", *WHY)["done"] >= 1
    assert ops.fails("show", QUEUE, job)[0] == 3


def test_of_several_jobs_the_others_are_done_and_the_refused_one_is_named(ops: CommandLine, job: str) -> None:
    result = ops.run("cancel", QUEUE, "no-such-job", job, *WHY)

    assert result.exit_code == 3
    assert result.stdout == f"{job}: cancelled\n"
    assert "no-such-job" in result.stderr


def test_a_job_is_handed_over_once_and_can_be_moved_and_replaced(ops: CommandLine, job: str) -> None:
    again = ops.run("enqueue", QUEUE, "send-notification", DATA, "--id", job)
    assert (again.exit_code, "known already" in again.stderr) == (0, True)

    assert ops.out("reschedule", QUEUE, job, "--at", "2h", *WHY) == f"{job} is rescheduled\n"
    answer = ops.json("enqueue", QUEUE, "send-notification", DATA, "--id", job, "--due", "3h", "--replace")
    assert (answer["id"], answer["status"]) == (job, "delayed")
    assert ops.json("reschedule", QUEUE, job, *WHY) == {"success": True, "outcome": "rescheduled"}
    wait_until(lambda: ops.json("show", QUEUE, job)["status"] == "failed")


def test_a_dead_job_is_retried_with_other_data(ops: CommandLine, job: str) -> None:
    ops.out("cancel", QUEUE, job, *WHY)
    other = DATA.replace("From", "Now from")

    ops.out("retry", QUEUE, job, "--data", other, *WHY)

    assert ops.json("show", QUEUE, job)["data"]["message"] == "Now from the command line"


def test_a_queue_is_paused_and_resumed(ops: CommandLine) -> None:
    assert ops.out("pause", QUEUE, "--reason", "the provider is down") == f"{QUEUE} is paused\n"
    try:
        assert "the provider is down" in ops.out("queues")
        assert "so already" in ops.run("pause", QUEUE, *WHY).stderr
    finally:
        assert ops.json("resume", QUEUE, *WHY)["outcome"] == "resumed"
    assert "the provider is down" not in ops.out("queues")


def test_a_worker_is_drained_waited_for_and_resumed(admin: CommandLine) -> None:
    worker = next(row["id"] for row in admin.json("workers") if row["queues"] == [QUEUE])

    assert admin.out("drain", worker, "--wait", *WHY) == f"{worker} is idle\n"
    assert "draining" in admin.out("workers")
    assert admin.json("resume-worker", worker, *WHY)["outcome"] == "resumed"
    assert "so already" in admin.run("resume-worker", worker, *WHY).stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        pytest.param(("show", QUEUE, "no-such-job"), 3, "JOB_NOT_FOUND", id="no such job"),
        pytest.param(("jobs", "nowhere"), 3, "QUEUE_NOT_FOUND", id="no such queue"),
        pytest.param(("retry", QUEUE, "{job}", *WHY), 4, "is delayed and cannot be retried", id="wrong state"),
        pytest.param(("pause", "dead-letter", *WHY), 4, "dead-letter", id="the view"),
        pytest.param(("drain", "worker-1", *WHY), 6, "ROLE_REQUIRED", id="role"),
        pytest.param(("reconcile",), 6, "ROLE_REQUIRED", id="role for reconcile"),
        pytest.param(("enqueue", QUEUE, "send-notification", "{}"), 2, "data.", id="data that does not fit"),
        pytest.param(("enqueue", QUEUE, "send-notification", "{"), 2, "not JSON", id="no JSON"),
        pytest.param(("cancel", QUEUE, "{job}"), 2, "--reason is needed", id="no reason"),
        pytest.param(("cancel", QUEUE, *WHY), 2, "name jobs, or give a --status", id="no job named"),
        pytest.param(("remove", QUEUE, "--status", "failed", *WHY), 2, "--all", id="nothing narrows"),
        pytest.param(("retry", QUEUE, "a", "--all", *WHY), 2, "not both", id="both"),
        pytest.param(("retry", QUEUE, "--all", "--finished-after", "soon", *WHY), 2, "2h or 1d", id="no time"),
        pytest.param(("nonsense",), 2, "No such command", id="no such command"),
        pytest.param(("--config", "/nowhere.toml", "queues"), 2, "cannot be read", id="no such file"),
        pytest.param(("--url", "http://127.0.0.1:9", "queues"), 5, "cannot be reached", id="unavailable"),
        pytest.param(("--url", "nonsense", "queues"), 5, "cannot be reached", id="no address"),
    ],
)
def test_what_is_refused_says_why_and_has_its_exit_status(
    ops: CommandLine, job: str, words: tuple[str, ...], status: int, said: str
) -> None:
    found, text = ops.fails(*(word.replace("{job}", job) for word in words))

    assert (found, said in text) == (status, True), text

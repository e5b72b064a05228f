from __future__ import annotations

import uuid

from e2e.jobsctl.conftest import DATA
from support.command_line import CommandLine

QUEUE, WHY = "notifications", ("--reason", "a test")


def test_a_schedule_is_set_paused_run_and_removed(admin: CommandLine) -> None:
    schedule = f"ctl-{uuid.uuid4().hex[:8]}"
    what = (QUEUE, schedule, "send-notification", DATA, "--cron", "0 3 29 2 *", "--time-zone", "Europe/Berlin")

    would = admin.out("schedules", "set", *what, "--dry-run", *WHY)
    assert "would be created: At 03:00" in would
    assert len(would.splitlines()) == 6
    assert admin.fails("schedules", "show", QUEUE, schedule)[0] == 3

    assert f"{schedule} is created" in admin.out("schedules", "set", *what, *WHY)
    assert f"{schedule} is unchanged" in admin.out("schedules", "set", *what, *WHY)
    assert admin.out("schedules", "pause", QUEUE, schedule, *WHY) == f"{schedule} is paused\n"
    shown = admin.out("schedules", "show", QUEUE, schedule)
    assert all(word in shown for word in ("0 runs, 0 failed", "From the command line", "paused"))
    job_id = admin.out("schedules", "run", QUEUE, schedule, *WHY).strip()
    assert job_id.startswith(f"{schedule}:by-hand-")
    listed = admin.out("schedules", "list", "--queue", QUEUE)
    assert all(word in listed for word in (schedule, "paused", job_id))
    assert admin.out("schedules", "resume", QUEUE, schedule, *WHY) == f"{schedule} makes jobs again\n"
    assert admin.json("schedules", "remove", QUEUE, schedule, "--yes", *WHY)["outcome"] == "removed"
    assert admin.fails("schedules", "show", QUEUE, schedule)[0] == 3


def test_ops_sees_schedules_and_changes_none(ops: CommandLine) -> None:
    assert "At 06:00 every day (UTC)" in ops.out("schedules", "list")
    assert ops.fails("schedules", "pause", "tickets", "ticket-escalate", *WHY)[0] == 6

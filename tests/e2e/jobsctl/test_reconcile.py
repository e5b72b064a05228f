from __future__ import annotations

import redis

from fixtures.stack import RunningStack
from support.command_line import CommandLine
from support.waiting import wait_until


def test_a_lost_job_is_found_and_comes_back(admin: CommandLine, stack: RunningStack, job: str) -> None:
    assert admin.out("reconcile").startswith("QUEUE")
    with redis.Redis.from_url(stack.redis_url) as client:
        assert client.zrem("jobs:{notifications}:delayed", job) == 1

    (proof,) = admin.json("reconcile", "notifications", status=7)
    assert [finding["jobId"] for finding in proof["findings"]] == [job, ""]
    assert proof["balance"]["missing"] == 1
    shown = admin.run("reconcile", "notifications")
    assert (shown.exit_code, "lost_job" in shown.stdout) == (7, True)
    assert admin.fails("reconcile", "--repair", "--yes")[0] == 2
    assert admin.fails("reconcile", "--repair", "--reason", "no yes")[0] == 2

    repaired = admin.run("reconcile", "notifications", "--repair", "--yes", "--reason", "somebody removed a key")

    assert (repaired.exit_code, job in repaired.stdout) == (0, True)
    assert [one["findings"] for one in admin.json("reconcile")] == [[], []]
    admin.out("show", "notifications", job)
    wait_until(lambda: admin.json("audit", "list", "--job", job, "--action", "repair")["pagination"]["total"] == 1)

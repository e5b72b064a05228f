"""Two do the same at once: one wins, the other is told so, and the audit log holds exactly what was done."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from fixtures.stack import RunningStack
from support.waiting import wait_until

QUEUE = "/jobs/queues/notifications"
ROUNDS = 25


def at_once(*calls: Callable[[], httpx.Response]) -> list[int]:
    """Make the calls at the same moment; their statuses in order."""
    start = threading.Barrier(len(calls))

    def call(one: Callable[[], httpx.Response]) -> int:
        start.wait()
        return one().status_code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def body(job_id: str, message: str = "m") -> dict[str, object]:
    data = {"type": "sms", "recipientId": "user-tom", "message": message}  # retried, it completes: one retry fits
    return {"name": "send-notification", "data": data, "opts": {"jobId": job_id, "delay": 3_600_000}}


def test_of_two_operators_one_wins_each_time_and_each_success_has_one_audit_record(stack: RunningStack) -> None:
    mark = uuid.uuid4().hex[:8]
    done: Counter[str] = Counter()
    with stack.client() as ops, stack.client("admin@local") as admin:
        for number in range(ROUNDS):
            job = f"{QUEUE}/race-{mark}-{number}"
            ops.post(QUEUE, json=body(f"race-{mark}-{number}")).raise_for_status()
            for verb, loser in (("cancel", 409), ("retry" if number % 2 else "remove", 409 if number % 2 else 404)):
                url = f"{job}/{verb}"
                statuses = at_once(lambda: ops.post(url), lambda: admin.post(url))  # noqa: B023 - called at once
                assert sorted(statuses) == [200, loser]
                done[verb] += 1

        def recorded() -> Counter[str]:
            found: Counter[str] = Counter()
            for number in range(ROUNDS):
                entries = ops.get("/jobs/audit", params={"jobId": f"race-{mark}-{number}"}).json()["data"]
                found.update(entry["action"] for entry in entries if entry["action"] != "enqueue")
            return found

        wait_until(lambda: recorded() == done, within=10)
        assert ops.get("/jobs/audit/verify").json()["intact"] is True


def test_one_id_from_sixteen_threads_is_created_once(stack: RunningStack) -> None:
    with stack.client("service@local") as service:
        for same in (True, False):
            job_id = f"once-{uuid.uuid4().hex[:12]}"
            bodies = [body(job_id, "m" if same else f"m{number}") for number in range(16)]
            statuses = at_once(*[lambda b=one: service.post(QUEUE, json=b) for one in bodies])
            assert Counter(statuses) == {201: 1, 200 if same else 409: 15}

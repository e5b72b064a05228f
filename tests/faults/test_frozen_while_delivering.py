"""A worker freezes in the middle of deliveries: every thread is interrupted at once, and none may hang afterwards."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections import Counter

import httpx

from fixtures.stack import RunningStack
from support.waiting import wait_until

JOBS, FROZEN_SECONDS = 400, 3.0  # longer than the fault stack's leases of 2 s
FREEZES = 1


def test_a_worker_frozen_while_delivering_goes_on_and_each_message_is_delivered_once(
    fault_stack: RunningStack,
) -> None:
    worker = fault_stack.stack.supervisor["worker-notifications"].pid
    assert worker is not None
    for _ in range(FREEZES):  # where the interrupts land differs each time
        mark = uuid.uuid4().hex[:8]
        with fault_stack.client("service@local") as service:
            for first in range(0, JOBS, 100):
                jobs = [sms(f"{mark}-{number}") for number in range(first, first + 100)]
                service.post("/jobs/queues/notifications/batch", json={"jobs": jobs}).raise_for_status()
        wait_until(lambda: len(delivered(fault_stack, mark)) > JOBS // 10, within=20)  # noqa: B023 - called here
        os.kill(worker, signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        os.kill(worker, signal.SIGCONT)

        wait_until(lambda: len(delivered(fault_stack, mark)) == JOBS, within=30)  # noqa: B023 - called here
        assert set(delivered(fault_stack, mark).values()) == {1}


def sms(job_id: str) -> dict[str, object]:
    data = {"type": "sms", "recipientId": "user-tom", "message": job_id}
    return {"name": "send-notification", "data": data, "opts": {"jobId": job_id}}


def delivered(stack: RunningStack, mark: str) -> Counter[str]:
    """How often each message was taken by the provider, which recognises repeats."""
    messages = httpx.get(f"{stack.sink_url}/messages", timeout=20).json()
    return Counter(message["key"] for message in messages if message["key"].startswith(mark))

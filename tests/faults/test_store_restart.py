"""Valkey is killed and restarted under load: what was accepted is done, and everything goes on by itself."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path

import httpx

from fixtures.stack import RunningStack
from support.platform import TENANT
from support.waiting import wait_until


class Backend(threading.Thread):
    """Hands over notifications one after another and remembers each answer."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self.refused: list[httpx.Response] = []
        self._stack = stack
        self._ended = threading.Event()

    def run(self) -> None:
        with self._stack.client("service@local") as client:
            while not self._ended.is_set() and len(self.accepted) < 900:
                job_id = f"load-{uuid.uuid4().hex}"
                data = {"type": "email", "recipientId": TENANT, "message": job_id}
                body = {"name": "send-notification", "data": data, "opts": {"jobId": job_id}}
                answer = client.post("/jobs/queues/notifications", json=body)
                if answer.is_success:
                    self.accepted.append(job_id)
                else:
                    self.refused.append(answer)
                    time.sleep(0.1)

    def stop(self) -> None:
        self._ended.set()
        self.join(15)


def redis_state(stack: RunningStack) -> str:
    return str(httpx.get(f"{stack.url}/health").json()["status"])


def test_nothing_accepted_is_lost_when_the_store_is_killed_twice_under_load(
    own_stack: RunningStack, tmp_path: Path
) -> None:
    backend = Backend(own_stack)
    backend.start()
    for _ in range(2):
        accepted = len(backend.accepted)
        wait_until(lambda at=accepted: len(backend.accepted) > at + 20, within=30)  # type: ignore[misc]
        own_stack.kill("valkey")
        refused = len(backend.refused)
        wait_until(lambda at=refused: len(backend.refused) > at, within=15)  # type: ignore[misc]
        wait_until(lambda: redis_state(own_stack) == "degraded", within=5)
        own_stack.start("valkey")
    accepted = len(backend.accepted)
    wait_until(lambda: len(backend.accepted) > accepted + 20, within=30)
    backend.stop()

    for answer in backend.refused:
        assert answer.status_code in (503, 504), answer.text
    assert any("retry-after" in answer.headers for answer in backend.refused)
    wait_until(lambda: redis_state(own_stack) == "ok", within=10)
    with own_stack.client() as ops:

        def drained() -> bool:
            queue = ops.get("/jobs/queues/notifications").json()
            return int(queue["waiting"] + queue["active"] + queue["delayed"]) == 0

        wait_until(drained, within=60)
        ended = {
            job_id: ops.get(f"/jobs/queues/notifications/{job_id}").json().get("status") for job_id in backend.accepted
        }
    assert {job_id: status for job_id, status in ended.items() if status != "completed"} == {}
    texts = [message["text"].strip() for message in httpx.get(f"{own_stack.sink_url}/messages").json()]
    assert sorted(set(texts)) == sorted(texts)
    assert set(backend.accepted) <= set(texts)

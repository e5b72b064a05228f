"""Callers of the system: they hand over jobs, note each answer, and ask again for the same job while it is unknown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson

from faults.support.job_types.ledgered import QUEUE
from faults.support.ledger import Ledger
from queue_engine.domain.errors import QueueEngineError, StoreFull, StoreUnavailable
from queue_engine.domain.job import NewJob
from queue_engine.engine import QueueEngine

AGAIN_SECONDS = 0.1


class Refused(Exception):
    """The job was not accepted; the caller may come again."""


class Unknown(Exception):
    """Whether the job was accepted is not known."""


Submit = Callable[[str], bool]
"""Hands over the job of an id; True when it was new. Raises Refused or Unknown."""


def through_engine(engine: QueueEngine, ledger: Ledger, *, name: str = "work", **data: Any) -> Submit:
    """Submit jobs of the fault tests' own types straight to the engine."""
    fields = {name: data.pop(name) for name in ("attempts", "delay_ms", "priority") if name in data}
    payload = orjson.dumps({"ledger": str(ledger.path), **data})

    def submit(job_id: str) -> bool:
        try:
            return engine.enqueue_job(QUEUE, NewJob(job_id=job_id, name=name, data=payload, **fields)).created
        except StoreUnavailable as error:
            raise Unknown(str(error)) from error
        except (StoreFull, QueueEngineError) as error:
            raise Refused(str(error)) from error

    return submit


def through_gateway(
    client: httpx.Client, queue: str, name: str, data: Callable[[str], dict[str, Any]], **opts: int
) -> Submit:
    """Submit jobs of the platform by REST."""

    def submit(job_id: str) -> bool:
        body = {"name": name, "data": data(job_id), "opts": {"jobId": job_id, **opts}}
        try:
            answer = client.post(f"/jobs/queues/{queue}", json=body)
        except httpx.HTTPError as error:
            raise Unknown(str(error)) from error
        if answer.status_code in (200, 201):
            return answer.status_code == 201
        if answer.status_code in (429, 507):
            raise Refused(answer.text)
        if answer.status_code in (500, 502, 503, 504):
            raise Unknown(answer.text)
        raise AssertionError(f"{job_id}: {answer.status_code} {answer.text}")

    return submit


def hand_over(ledger: Ledger, submit: Submit, job_id: str, *, patience: float = 60.0) -> float:
    """Hand over one job, again and again until it is accepted; the seconds that took. Fails after `patience`."""
    began = time.monotonic()
    ledger.write("enqueue", job_id, phase="invoked")
    while True:
        try:
            created = submit(job_id)
        except (Refused, Unknown) as problem:
            ledger.write("enqueue", job_id, phase=type(problem).__name__.lower(), why=str(problem)[:200])
            if time.monotonic() - began > patience:
                raise AssertionError(f"{job_id} was not accepted within {patience} s: {problem}") from problem
            time.sleep(AGAIN_SECONDS)
        else:
            ledger.write("enqueue", job_id, phase="acked", created=created)
            return time.monotonic() - began


class Backend(threading.Thread):
    """Hands over jobs one after another until stopped or `most` are accepted."""

    def __init__(self, ledger: Ledger, submit: Submit, *, prefix: str, most: int = 900, pause: float = 0.01) -> None:
        super().__init__(name=f"backend-{prefix}", daemon=True)
        self.accepted: list[str] = []
        self.accepted_at: list[float] = []
        self.seconds: list[float] = []
        self.problem: BaseException | None = None
        self._ledger, self._submit, self._prefix = ledger, submit, prefix
        self._most, self._pause = most, pause
        self._ended = threading.Event()

    def run(self) -> None:
        """Until told to stop; what goes wrong is told by stop()."""
        try:
            while len(self.accepted) < self._most and not self._ended.wait(self._pause):
                job_id = f"{self._prefix}-{len(self.accepted):04}"
                self.seconds.append(hand_over(self._ledger, self._submit, job_id))
                self.accepted.append(job_id)
                self.accepted_at.append(time.monotonic())
        except BaseException as problem:  # noqa: BLE001 - told in the test's own thread
            self.problem = problem

    def stop(self) -> None:
        """Hand over nothing more; raises what went wrong."""
        self._ended.set()
        self.join(70)
        if self.problem is not None:
            raise self.problem
        assert not self.is_alive()

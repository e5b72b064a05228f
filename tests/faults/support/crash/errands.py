"""The job type of the crash-point scenario: its runs do what the scenario has in mind for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from faults.support.ledger import Ledger
from worker.context import JobContext
from worker.failures import Defer, Permanent
from worker.job_types import IMMEDIATE, Handler, Payload, job_type

QUEUE = "faults"
_LOOPS = 100_000


class Errand(Payload):
    """`failures` attempts fail; `follows` is the id of a job that each run enqueues."""

    failures: int = 0
    hopeless: bool = False
    needs: str = ""
    follows: str = ""


@dataclass(slots=True)
class World:
    """What lies outside of the system: the ledger, what is down, what happens while a job runs."""

    ledger: Ledger
    down: set[str] = field(default_factory=set)
    during: dict[str, Callable[[], None]] = field(default_factory=dict)
    """By job id; happens once."""

    def forget(self) -> None:
        """Begin again with nothing."""
        self.ledger.forget()
        self.down.clear()
        self.during.clear()


def errands(world: World) -> list[Handler]:
    """The handlers in that world."""

    @job_type("errand", queue=QUEUE)
    def errand(payload: Errand, job: JobContext) -> None:
        _run(world, payload, job)

    @job_type("errand-now", queue=QUEUE, settling=IMMEDIATE)
    def errand_now(payload: Errand, job: JobContext) -> None:
        _run(world, payload, job)

    return [errand, errand_now]


def _run(world: World, payload: Errand, job: JobContext) -> None:
    world.ledger.write("begin", job.job_id, token=job.token)
    how = "returned"
    try:
        _live(world, payload, job)
        world.ledger.apply_effect(job.idempotency_key, job.job_id, job.token)
    except BaseException as error:
        how = type(error).__name__
        raise
    finally:
        world.ledger.write("end", job.job_id, token=job.token, how=how)


def _live(world: World, payload: Errand, job: JobContext) -> None:
    happens = world.during.pop(job.job_id, None)
    if happens is not None:
        others = threading.Thread(target=happens)  # what other processes do meanwhile must not meet our interrupts
        others.start()
        others.join()
        for _ in range(_LOOPS):  # an interrupt lands while Python code runs
            pass
    if payload.needs in world.down:
        raise Defer("what it needs is down", seconds=5)
    if payload.follows:
        world.ledger.write("enqueue", payload.follows, phase="invoked")
        made = job.enqueue("errand", Errand(), job_id=payload.follows)
        world.ledger.write("enqueue", payload.follows, phase="acked", created=made.created)
    if payload.hopeless:
        raise Permanent("it can never work")
    if job.attempt <= payload.failures:
        raise RuntimeError("it fails as it was told")

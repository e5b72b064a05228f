from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dramatiq.middleware import Interrupt, TimeLimitExceeded

from support.jobs import a_job
from support.waiting import wait_until
from worker.dramatiq_broker.interrupter import Cancelled, Interrupter
from worker.shield import shield_by, undisturbed


class Handler(threading.Thread):
    """Runs `job` until it is interrupted, then lives on for a while."""

    def __init__(self, interrupter: Interrupter, *, seconds: float = 60.0) -> None:
        super().__init__(daemon=True)
        self.interrupter, self.seconds = interrupter, seconds
        self.job = a_job()
        self.armed = threading.Event()
        self.caught: list[str] = []
        self.ended = False

    def run(self) -> None:
        try:
            self.interrupter.arm(self.job, seconds=self.seconds)
            self.armed.set()
            while True:
                time.sleep(0.001)
        except Interrupt as error:
            self.caught.append(type(error).__name__)
        finally:
            self.interrupter.disarm()
        time.sleep(0.02)
        self.ended = True


def test_an_armed_job_is_interrupted_once() -> None:
    interrupter = Interrupter()
    handler = Handler(interrupter)
    handler.start()
    handler.armed.wait(5)

    assert interrupter.interrupt(handler.job, Cancelled)
    assert not interrupter.interrupt(handler.job, Cancelled)
    handler.join(5)

    assert handler.caught == ["Cancelled"]
    assert handler.ended


def test_another_job_and_a_disarmed_one_are_left_alone() -> None:
    interrupter = Interrupter()
    handler = Handler(interrupter)
    handler.start()
    handler.armed.wait(5)

    assert not interrupter.interrupt(a_job(), Cancelled)
    interrupter.interrupt(handler.job, Cancelled)
    handler.join(5)

    assert not interrupter.interrupt(handler.job, Cancelled)


def test_a_deadline_is_a_time_limit() -> None:
    interrupter = Interrupter()
    handler = Handler(interrupter, seconds=0.05)
    handler.start()
    handler.armed.wait(5)

    wait_until(interrupter.tick)
    handler.join(5)

    assert handler.caught == [TimeLimitExceeded.__name__]


def test_an_interrupt_waits_until_the_shield_is_down() -> None:
    interrupter, job = Interrupter(), a_job()
    told: list[str] = []

    try:
        interrupter.arm(job, seconds=60)
        with pytest.raises(Cancelled), interrupter.shielded():  # noqa: PT012 - raised as the block ends
            assert interrupter.interrupt(job, Cancelled)
            told.append("undisturbed")
        told.append("interrupted")
        with interrupter.shielded():
            told.append("once")
    finally:
        interrupter.disarm()

    assert told == ["undisturbed", "interrupted", "once"]


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns every few instructions, so that interrupts land everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
@pytest.mark.parametrize("pause", [0.0, 0.00002, 0.0002], ids=["at once", "soon", "later"])
def test_no_interrupt_ever_lands_outside_its_job(pause: float) -> None:
    interrupter = Interrupter()
    current, over, stray = [a_job()], threading.Event(), []

    def work() -> None:
        while not over.is_set():
            current[0] = job = a_job()
            try:
                try:
                    interrupter.arm(job, seconds=60)
                    sum(range(50))
                finally:
                    interrupter.disarm()
            except Interrupt:
                pass
            try:
                sum(range(50))  # between two jobs
            except Interrupt as error:
                stray.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    until, fired = time.monotonic() + 0.7, 0
    while time.monotonic() < until:
        fired += interrupter.interrupt(current[0], Cancelled)
        time.sleep(pause)
    over.set()
    worker.join(5)

    assert fired > 3
    assert not stray
    assert not worker.is_alive()


class _SharedClient:
    """As httpx and the pools have it: a lock behind a Python method, which an interrupt can leave locked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.inside = threading.Event()
        self.go_on = threading.Event()

    def call(self) -> None:
        with undisturbed():
            self._lock.acquire()
            self.inside.set()
            self.go_on.wait(5)
            self._lock.release()

    @property
    def locked(self) -> bool:
        return self._lock.locked()


def test_an_interrupt_leaves_no_lock_of_a_shared_client_behind_and_lands_after_the_call() -> None:
    interrupter, client, job, caught = Interrupter(), _SharedClient(), a_job(), list[str]()

    def run() -> None:
        shield_by(interrupter.shielded)
        try:
            interrupter.arm(job, seconds=60)
            client.call()
            time.sleep(5)
        except Cancelled:
            caught.append("cancelled")
        finally:
            interrupter.disarm()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    client.inside.wait(5)
    assert interrupter.interrupt(job, Cancelled)
    client.go_on.set()
    thread.join(2)

    assert (caught, client.locked) == (["cancelled"], False)


def test_outside_of_a_job_a_shared_client_is_called_as_it_is() -> None:
    client = _SharedClient()
    client.go_on.set()

    client.call()

    assert not client.locked


TRACED_AFTERWARDS = """
import sys, time
from support.jobs import a_job
from worker.dramatiq_broker.interrupter import Cancelled, Interrupter

interrupter, job = Interrupter(), a_job()
interrupter.arm(job, seconds=60)
try:
    interrupter.interrupt(job, Cancelled)
    time.sleep(1)
except Cancelled:
    pass
interrupter.disarm()
sys.settrace(lambda *_: None)
(lambda: None)()
sys.settrace(None)
"""


def test_a_process_that_interrupted_a_job_can_still_be_traced() -> None:
    # With CPython 3.11 a traced call hangs for ever when an exception was set on a thread and then taken back.
    child = subprocess.run(
        [sys.executable, "-c", TRACED_AFTERWARDS], cwd=Path(__file__).parents[2], timeout=20, check=False
    )

    assert child.returncode == 0

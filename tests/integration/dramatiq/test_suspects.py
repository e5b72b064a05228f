"""Jobs whose worker died before run alone: they may take the process along, and others with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dramatiq
import pytest

from queue_engine.engine import QueueEngine
from support.waiting import wait_until
from support.workers import enqueue, running
from worker.dramatiq_broker.broker import JobBroker

MakeBroker = Callable[..., JobBroker]


class Witness:
    """Sees which jobs run at the same time."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, frozenset[str]]] = []
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def pass_by(self, name: str) -> None:
        with self._lock:
            self._running.add(name)
            self.seen += [(one, frozenset(self._running)) for one in self._running]
        time.sleep(0.02)
        with self._lock:
            self._running.discard(name)

    def company_of(self, name: str) -> set[str]:
        return {other for one, together in self.seen if one == name for other in together} - {name}


def make_suspects(engine: QueueEngine, queue: str, *names: str) -> None:
    """Enqueue jobs and let their worker die with them."""
    for name in names:
        enqueue(engine, queue, "pass_by", {"name": name}, job_id=name)
    # A worker that has begun to drain gives back what it took in a call that was under way.
    leases = wait_until(lambda: engine.settle_jobs(queue, [], worker="dead", want=len(names), lease_ms=1).leases)
    assert {lease.job_id for lease in leases} == set(names)

    def all_lost() -> bool:
        engine.reap_leases(queue)
        return engine.count_jobs(queue).totals["lost"] == len(names)

    wait_until(all_lost)


def a_witnessing(broker: JobBroker, *queues: str) -> Witness:
    witness = Witness()
    dramatiq.actor(broker=broker, actor_name="pass_by", queue_name=queues[0])(
        lambda data: witness.pass_by(data["name"])
    )
    for queue in queues[1:]:
        broker.declare_queue(queue)
    return witness


def test_a_suspect_runs_alone(broker: JobBroker, engine: QueueEngine) -> None:
    witness = a_witnessing(broker, "q")
    make_suspects(engine, "q", "suspect")
    for number in range(30):
        enqueue(engine, "q", "pass_by", {"name": f"n{number}"})

    with running(broker):
        broker.join("q", timeout=10_000)

    assert {name for name, _ in witness.seen} == {"suspect", *(f"n{number}" for number in range(30))}
    assert witness.company_of("suspect") == set()
    assert any(len(together) > 1 for _, together in witness.seen)


def test_suspects_of_two_queues_do_not_wait_for_each_other(broker: JobBroker, engine: QueueEngine) -> None:
    witness = a_witnessing(broker, "a", "b")
    for queue in ("a", "b"):
        make_suspects(engine, queue, *(f"{queue}{number}" for number in range(3)))

    with running(broker):
        broker.join("a", timeout=10_000)
        broker.join("b", timeout=10_000)

    assert {name for name, _ in witness.seen} == {"a0", "a1", "a2", "b0", "b1", "b2"}
    assert all(len(together) == 1 for _, together in witness.seen)


def test_two_suspects_taken_at_the_same_moment_run_one_after_the_other(
    broker: JobBroker, engine: QueueEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = a_witnessing(broker, "a", "b")
    for queue in ("a", "b"):
        make_suspects(engine, queue, queue)
    room, asked = broker.roster.room, set[str]()

    def first_without_looking(queue: str) -> int:
        if queue in asked:
            return room(queue)
        asked.add(queue)
        return 1

    monkeypatch.setattr(broker.roster, "room", first_without_looking)
    with running(broker):
        broker.join("a", timeout=5_000)
        broker.join("b", timeout=5_000)

    assert {together for _, together in witness.seen} == {frozenset("a"), frozenset("b")}


def test_a_draining_worker_gives_a_suspect_back(make_broker: MakeBroker, engine: QueueEngine) -> None:
    broker = make_broker(threads=2)
    go, begun = threading.Event(), threading.Event()

    @dramatiq.actor(broker=broker, queue_name="q", actor_name="pass_by")
    def wait(_data: dict[str, str]) -> None:
        begun.set()
        go.wait(10)

    enqueue(engine, "q", "pass_by", {})
    with running(broker, threads=2):
        assert begun.wait(5)
        broker.drain()  # another worker takes the next one, and dies
        make_suspects(engine, "q", "suspect")
        broker.resume()
        wait_until(lambda: broker.held() == 2)
        broker.drain()
        wait_until(lambda: engine.count_jobs("q").waiting == 1)
        go.set()

    assert engine.count_jobs("q").totals["lost"] == 1

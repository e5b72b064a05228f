from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from queue_admin.health import STUCK_SECONDS, Pulse, StoreProbe
from queue_admin.loops import each_queue
from queue_admin.loops.each_queue import for_each_queue
from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.health import StoreHealth
from queue_engine.engine import QueueEngine


def an_engine(**methods: Any) -> QueueEngine:
    return cast("QueueEngine", SimpleNamespace(list_queues=lambda: ["a", "b", "c"], **methods))


def test_what_all_queues_did_is_summed() -> None:
    assert for_each_queue(an_engine(), {"a": 1, "b": 2, "c": 3}.__getitem__) == 6


def test_a_bad_queue_does_not_hold_up_the_others() -> None:
    seen = []

    def work(queue: str) -> int:
        seen.append(queue)
        if queue == "a":
            raise KeyError(queue)
        return 1

    with pytest.raises(KeyError):
        for_each_queue(an_engine(), work)
    assert sorted(seen) == ["a", "b", "c"]


def test_a_node_that_is_away_does_not_hold_up_the_queues_of_the_others() -> None:
    seen = []

    def work(queue: str) -> int:
        seen.append(queue)
        if queue == "a":
            raise StoreUnavailable
        return 1

    with pytest.raises(StoreUnavailable):
        for_each_queue(an_engine(), work)
    assert sorted(seen) == ["a", "b", "c"]


def test_a_store_that_is_away_is_not_waited_for_queue_by_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each_queue, "AWAY_SECONDS", 0.0)
    seen = []

    def work(queue: str) -> int:
        seen.append(queue)
        raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        for_each_queue(an_engine(), work)
    assert len(seen) == 1


def test_a_loop_that_fails_still_turns_and_one_that_hangs_does_not() -> None:
    now = 0.0
    pulse = Pulse(clock=lambda: now)

    def fail() -> int:
        raise StoreUnavailable

    failing = pulse.watch("failing", fail)
    pulse.watch("hanging", fail)
    now = STUCK_SECONDS + 1
    with pytest.raises(StoreUnavailable):
        failing()

    assert pulse.problem() == "stuck: hanging"


def test_the_probe_announces_what_it_finds() -> None:
    answers: list[Exception | None] = [StoreUnavailable("refused"), None]
    announced: list[bool] = []

    def check_store() -> StoreHealth:
        answer = answers.pop(0)
        if answer:
            raise answer
        return StoreHealth(1.0, "valkey", "9.1", "1.4", 1, 0, persistence_ok=True, epoch="first")

    probe = StoreProbe(an_engine(check_store=check_store), announced.append)
    assert probe.problem() == "the store has not been asked yet"

    probe.tick()
    assert probe.problem() == "refused"
    probe.tick()
    assert probe.problem() is None
    assert probe.epoch == "first"
    assert announced == [False, True]

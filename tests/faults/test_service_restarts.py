"""F15, F16: the gateway and queue-admin are killed and restarted under load."""

from __future__ import annotations

import random
import time

import pytest

from faults.support.load import hand_over
from faults.support.stack_arena import StackArena
from support.waiting import wait_until

FAULTS = {
    "F15": ("gateway restarted under load, by turns SIGTERM and kill -9", "api-gateway"),
    "F16": ("queue-admin restarted under load and while jobs come due, by turns SIGTERM and kill -9", "queue-admin"),
}


@pytest.mark.long_fault
@pytest.mark.parametrize("fault", FAULTS)
def test_backends_that_ask_again_lose_nothing_and_make_nothing_twice(
    stack_arena: StackArena, dice: random.Random, fault: str
) -> None:
    words, process = FAULTS[fault]
    for number in range(20):
        job_id = f"{stack_arena.mark}-due-{number:02}"
        hand_over(stack_arena.ledger, stack_arena.notify(delay=number * 400), job_id)
    backends = [stack_arena.backend(str(number)) for number in range(3)]
    recovery: list[float] = []
    for turn in range(4):
        counts = [len(backend.accepted) for backend in backends]
        wait_until(lambda at=counts: all(len(b.accepted) > n + 5 for b, n in zip(backends, at, strict=True)), within=30)  # type: ignore[misc]
        time.sleep(dice.random() * 0.3)
        stack_arena.ledger.write("fault", what=words)
        (stack_arena.stack.kill if turn % 2 else stack_arena.stack.stop)(process)
        stack_arena.stack.start(process)
        back = time.monotonic()
        wait_until(lambda at=back: all(b.accepted_at[-1] > at for b in backends), within=30)  # type: ignore[misc]
        recovery.append(max(next(at for at in b.accepted_at if at > back) for b in backends) - back)
    for backend in backends:
        backend.stop()
    stack_arena.come_to_rest(within=90)

    history, store = stack_arena.verdict(
        fault, words, recovery=recovery, within=15, note="requests that failed for good: 0, with retries by the same id"
    )
    assert sum(history.unknown.values()) > 0  # the fault was felt
    assert {job.state for job in store.jobs.values()} == {"completed"}
    assert set(history.effects) == set(history.acked)

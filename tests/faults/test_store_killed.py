"""F4: the store is killed and started again under load, many times; everything goes on by itself.

With `appendfsync always`, as the local stack: under `everysec` the server answers while an fsync is still running and
holds back what it has not written yet, so that a kill of its process can take acknowledged calls along.
"""

from __future__ import annotations

import random
import time

import pytest

from faults.support.arena import Arena
from faults.support.busy import busy, resumptions
from fixtures.valkey import ValkeyServer

RESUME_SECONDS = 2.0
SLACK = 5.0  # times the bound, on a machine that others use too


def kill_the_store(arena: Arena, server: ValkeyServer, dice: random.Random, *, times: int) -> list[float]:
    """Under load, with both workers at work again after each time; when it was back each time."""
    restarted: list[float] = []
    with busy(arena, dice) as load:
        for _ in range(times):
            load.wait_for_both(restarted[-1] if restarted else 0.0)
            time.sleep(0.3 + dice.random() * 0.2)
            arena.fault("kill -9 of the store")
            server.kill()
            time.sleep(dice.random() * 0.5)
            server.start()
            restarted.append(time.monotonic())
        load.wait_for_both(restarted[-1])
    return restarted


@pytest.mark.long_fault
def test_twenty_kills_of_the_store_under_load_lose_nothing_and_leave_no_worker_stuck(
    arena: Arena, valkey_server: ValkeyServer, dice: random.Random
) -> None:
    restarted = kill_the_store(arena, valkey_server, dice, times=20)

    arena.verdict(
        "F4",
        "kill -9 of the store and restart, 20 times under load",
        recovery=resumptions(arena.history(), restarted),
        within=RESUME_SECONDS * SLACK,
        note="stuck workers: 0",
    )


def test_a_kill_of_the_store_under_load_loses_nothing_and_leaves_no_worker_stuck(
    arena: Arena, valkey_server: ValkeyServer, dice: random.Random
) -> None:
    restarted = kill_the_store(arena, valkey_server, dice, times=2)

    arena.verdict(
        "F4 (short)",
        "kill -9 of the store and restart, twice under load",
        recovery=resumptions(arena.history(), restarted),
        within=RESUME_SECONDS * SLACK,
    )

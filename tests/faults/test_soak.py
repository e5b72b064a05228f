"""For as long as it is told: every fault that a worker and the store can have, by chance, under load."""

from __future__ import annotations

import random
import signal
import time

import pytest

from faults.support.arena import Arena
from faults.support.load import Backend
from faults.test_worker_killed import retry_what_died_three_times
from fixtures.valkey import ValkeyServer


@pytest.mark.soak
def test_random_faults_lose_nothing(
    arena: Arena, valkey_server: ValkeyServer, dice: random.Random, request: pytest.FixtureRequest
) -> None:
    until = time.monotonic() + float(request.config.getoption("--soak-seconds"))
    nursery = arena.nursery()
    workers = [nursery.fork() for _ in range(3)]
    backend = Backend(arena.ledger, arena.submit(seconds=0.02), prefix="soak", pause=0.02, most=10**6)
    backend.start()
    faults = 0
    while time.monotonic() < until:
        time.sleep(0.5 + dice.random() * 2)
        fault = dice.choice(("SIGKILL", "SIGTERM", "SIGSTOP", "store"))
        arena.fault(fault)
        faults += 1
        if fault == "store":
            valkey_server.kill()
            time.sleep(dice.random())
            valkey_server.start()
        else:
            victim = workers.pop(0)
            nursery.signal(victim, signal.Signals[fault])
            if fault == "SIGSTOP":
                time.sleep(2)
                nursery.signal(victim, signal.SIGCONT)
                workers.append(victim)
            else:
                workers.append(nursery.fork())
    backend.stop()
    arena.come_to_rest(within=120)
    while retry_what_died_three_times(arena):
        arena.come_to_rest()

    arena.verdict("soak", f"{faults} faults by chance under load", recovery=[], within=0)

"""F4b: the store's machine loses power: what it had not synced is gone, the last record is cut in the middle."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.support.arena import Arena
from faults.support.checker import conserved, lost_ids, no_orphans
from faults.support.load import Backend, hand_over
from fixtures.valkey import ValkeyServer, a_valkey
from support.waiting import wait_until

UNSYNCED_SECONDS = 1.0
LATE_SAMPLE = 0.2  # seconds a sample of the file's size may come late on a busy machine


@pytest.fixture
def valkey_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A store that syncs every second, with its whole log in one file."""
    server = a_valkey(tmp_path, extra="appendfsync everysec\nauto-aof-rewrite-percentage 0\naof-load-truncated yes")
    server.start()
    yield server
    server.kill()


class Recorder(threading.Thread):
    """How long the log was when."""

    def __init__(self, server: ValkeyServer) -> None:
        super().__init__(daemon=True)
        (self.file,) = (server.process.program.folder / "appendonlydir").glob("*.incr.aof")
        self._sizes: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.01):
            self._sizes.append((time.monotonic(), self.file.stat().st_size))

    def cut(self, at: float, dice: random.Random) -> None:
        """Cut the log off where it was before that moment, and some bytes into what was written next."""
        self._ended.set()
        self.join()
        kept = max(size for when, size in self._sizes if when <= at)
        with self.file.open("r+b") as log:
            log.truncate(min(kept + dice.randrange(1, 200), self.file.stat().st_size))


def test_a_power_loss_takes_only_the_last_second_and_what_is_asked_for_again_is_there_again(
    arena: Arena, valkey_server: ValkeyServer, dice: random.Random
) -> None:
    arena.worker()
    arena.worker()
    recorder = Recorder(valkey_server)
    submit = arena.submit(seconds=0.02)
    backends = [Backend(arena.ledger, submit, prefix=f"load-{n}", pause=0.005, most=5_000) for n in range(2)]
    for backend in backends:
        backend.start()
    wait_until(lambda: len(arena.history().runs) > 50, within=30)
    time.sleep(2 + dice.random())
    for backend in backends:
        backend.stop()
    valkey_server.kill()
    gone_at = arena.fault("power loss")
    recorder.cut(gone_at - UNSYNCED_SECONDS, dice)
    valkey_server.start()
    back = time.monotonic()
    arena.come_to_rest()

    history, store = arena.history(), arena.snapshot()
    lost = lost_ids(history, store)
    assert lost, "the fault was not felt"
    early = {job_id for job_id in lost if history.acked[job_id] < gone_at - UNSYNCED_SECONDS - LATE_SAMPLE}
    assert not early
    found = [(words, sorted(ids)) for rule in (conserved, no_orphans) for words, ids in rule(history, store)]
    assert [(words, ids) for words, ids in found if ids] == []

    for job_id in sorted(lost):
        hand_over(arena.ledger, submit, job_id)
    recovery = time.monotonic() - back
    arena.come_to_rest()
    # What had been done in that second is forgotten with it, and is done again; effects are had once all the same.
    arena.verdict(
        "F4b",
        "power loss: the last second of the store's log is gone, and half a record (`appendfsync everysec`)",
        recovery=[recovery],
        within=60,
        note=f"{len(lost)} jobs accepted in that second were lost, none before it; handed over again by id, all ran",
        repeats=True,
    )

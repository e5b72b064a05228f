"""F22: the disk under the store is full.

Under `appendfsync everysec` the server refuses writes until there is room. Under `always` it ends, because it cannot
take back what it has already done: who supervises it starts it again, and it ends again until there is room.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from faults.support.arena import Arena
from faults.support.load import Backend
from fixtures.valkey import ValkeyServer, a_valkey
from local.process import Child
from support.waiting import wait_until

DISK = "8m"
HOLD = 'mount -t tmpfs -o size={size} tmpfs "{folder}" && echo mounted && exec sleep infinity'
POSSIBLE = subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0  # noqa: S607
needs_namespaces = pytest.mark.skipif(not POSSIBLE, reason="mount namespaces are NOT allowed here: F22 IS NOT TESTED")


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk mounted at `folder`, which only processes in the namespace of `keeper` see there."""

    folder: Path
    keeper: int

    @property
    def inside(self) -> Path:
        """Where this process sees it."""
        return Path(f"/proc/{self.keeper}/root{self.folder}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small one where the store keeps its data."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    script = HOLD.format(size=DISK, folder=folder)
    command = ["/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"mounted\n"
        yield Disk(folder, keeper.pid)
        keeper.kill()


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> str:
    """When the store syncs its log."""
    return str(request.param)


@pytest.fixture
def valkey_server(tmp_path: Path, disk: Disk, policy: str) -> Iterator[ValkeyServer]:
    """A store on the small disk."""
    server = a_valkey(tmp_path, extra=f"auto-aof-rewrite-percentage 0\nappendfsync {policy}")
    program = server.process.program
    configuration = tmp_path / "valkey.conf"
    configuration.write_text((program.folder / "valkey.conf").read_text())
    into = ("/usr/bin/nsenter", "--mount", "--target", str(disk.keeper))
    program = replace(program, command=(*into, program.command[0], str(configuration)))
    server = replace(server, process=Child(program, server.process.log))
    server.start()
    yield server
    server.kill()


class Supervisor(threading.Thread):
    """Starts the server again when it has ended. A server ends with the thread that started it."""

    def __init__(self, process: Child) -> None:
        super().__init__(daemon=True)
        self.restarts = 0
        self._process, self._ended = process, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.5):
            if not self._process.alive:
                self.restarts += 1
                self._process.start()

    def stop(self) -> None:
        """Leave it as it is."""
        self._ended.set()
        self.join()


def fill(folder: Path) -> Path:
    """Until nothing more fits; the file that takes the room."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4_096)
        except OSError:
            return filler


@needs_namespaces
@pytest.mark.parametrize("policy", ["everysec", "always"], indirect=True)
def test_a_full_disk_refuses_and_loses_nothing_and_is_recovered_from_alone(
    arena: Arena, valkey_server: ValkeyServer, disk: Disk, policy: str
) -> None:
    supervisor = Supervisor(valkey_server.process)
    worker = arena.worker()
    backend = Backend(arena.ledger, arena.submit(seconds=0.005), prefix="load", pause=0.01, most=900)
    backend.start()
    wait_until(lambda: len(backend.accepted) > 20, within=30)
    arena.fault("disk full")
    filler = fill(disk.inside)
    before = sum(arena.history().unknown.values())
    wait_until(lambda: sum(arena.history().unknown.values()) > before + 5, within=30, what="enqueues are refused")
    filler.unlink()
    freed = time.monotonic()
    wait_until(lambda: backend.accepted_at[-1] > freed, within=30)
    recovery = next(at for at in backend.accepted_at if at > freed) - freed
    backend.stop()
    arena.come_to_rest()
    assert worker.process.alive
    assert bool(supervisor.restarts) == (policy == "always")

    arena.verdict(
        f"F22 ({policy})",
        f"disk under the store full (`appendfsync {policy}`)",
        recovery=[recovery],
        within=15,
        note="recovered without a hand" + ("; the server ended and was started again" if supervisor.restarts else ""),
    )
    supervisor.stop()

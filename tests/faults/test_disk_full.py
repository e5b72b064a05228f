"""F22: the disk under the store is full."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faults.support.arena import Arena
from faults.support.load import Backend
from fixtures.valkey import ValkeyServer, a_valkey
from local.process import Child
from support.waiting import wait_until

DISK = "8m"
MOUNT = (
    'mount -t tmpfs -o size={size} tmpfs "{folder}" && cp "{conf}" "{folder}/valkey.conf" && cd "{folder}" && '
    "exec {command}"
)
POSSIBLE = subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0  # noqa: S607
needs_namespaces = pytest.mark.skipif(not POSSIBLE, reason="mount namespaces are NOT allowed here: F22 IS NOT TESTED")


@pytest.fixture
def valkey_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A store on a small disk of its own, which only its process sees."""
    server = a_valkey(tmp_path, extra="auto-aof-rewrite-percentage 0")
    program = server.process.program
    kept = tmp_path / "kept.conf"
    kept.write_text((program.folder / "valkey.conf").read_text())
    script = MOUNT.format(size=DISK, folder=program.folder, conf=kept, command=" ".join(program.command))
    program = replace(program, command=("/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script))
    server = replace(server, process=Child(program, server.process.log))
    server.start()
    yield server
    server.kill()


@needs_namespaces
def test_a_full_disk_refuses_and_loses_nothing_and_is_recovered_from_alone(
    arena: Arena, valkey_server: ValkeyServer
) -> None:
    worker = arena.worker()
    backend = Backend(arena.ledger, arena.submit(seconds=0.005), prefix="load", pause=0.01, most=900)
    backend.start()
    wait_until(lambda: len(backend.accepted) > 20, within=30)
    inside = Path(f"/proc/{valkey_server.process.pid}/root{valkey_server.process.program.folder}")
    filler = inside / "filler"
    arena.fault("disk full")
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4_096)
        except OSError:
            pass
    before = sum(arena.history().unknown.values())
    wait_until(lambda: sum(arena.history().unknown.values()) > before + 5, within=30, what="enqueues are refused")
    filler.unlink()
    freed = time.monotonic()
    wait_until(lambda: backend.accepted_at[-1] > freed, within=30)
    recovery = next(at for at in backend.accepted_at if at > freed) - freed
    backend.stop()
    arena.come_to_rest()
    assert worker.process.alive

    arena.verdict("F22", "disk under the store full", recovery=[recovery], within=15, note="recovered without a hand")

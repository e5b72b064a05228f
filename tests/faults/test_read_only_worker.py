"""F23: a worker on a read-only root whose scratch space is full."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from faults.support.arena import Arena
from support.waiting import wait_until

JOBS = 200
SCRIPT = (
    'mount --bind "{kept}" "{kept}" && mount -t tmpfs -o size=64k tmpfs "{scratch}" && '
    '{{ head -c 1000000 /dev/zero > "{scratch}/filler" 2>/dev/null; true; }} && mount -o remount,bind,ro / && '
    'exec "$0" "$@"'
)
TRY = ["unshare", "-m", "mount", "-o", "remount,bind,ro", "/"]
POSSIBLE = subprocess.run(TRY, check=False, capture_output=True).returncode == 0
needs_namespaces = pytest.mark.skipif(not POSSIBLE, reason="mount namespaces are NOT allowed here: F23 IS NOT TESTED")


@needs_namespaces
def test_a_worker_that_can_write_nowhere_does_all_its_jobs(arena: Arena, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = SCRIPT.format(kept=arena.ledger.path.parent, scratch=scratch)
    wrapper = ("/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script)
    arena.fault("read-only root, full scratch")
    worker = arena.worker(wrapper=wrapper, TMPDIR=str(scratch))
    inside = Path(f"/proc/{worker.pid}/root")
    with pytest.raises(OSError, match="Read-only"):
        (inside / "tmp" / "probe").touch()
    with pytest.raises(OSError, match="No space"):
        (inside / scratch.relative_to("/") / "probe").write_bytes(b"x" * 100_000)
    arena.enqueue(*(f"job-{number:03}" for number in range(JOBS)), seconds=0.01)
    arena.enqueue(*(f"fails-{number}" for number in range(5)), failures=1, attempts=1)
    arena.come_to_rest()
    wait_until(lambda: "queue_" in worker.probe("metrics") or "worker_" in worker.probe("metrics"), within=30)

    _, store = arena.verdict(
        "F23",
        "a worker on a read-only root with its scratch full",
        recovery=[],
        within=0,
        note=f"jobs done: {JOBS} of {JOBS}, failures reported: 5 of 5, metrics served",
    )
    assert (store.totals["completed"], len(store.indexes["dead"])) == (JOBS, 5)
    assert worker.probe("livez") == "ok"

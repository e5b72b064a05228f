"""A folder that looks like the checkout and has a `.local` of its own, and a shell in it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from local.settings import LocalSettings

CHECKOUT = Path(__file__).parents[2]
SECONDS = 1_500
OWN = {".local", ".env", ".git", "dist"}
PORTS = [name.upper() for name in LocalSettings.model_fields if name == "port" or name.endswith("_port")]

Shell = Callable[[str], str]


@pytest.fixture
def shell() -> Iterator[Shell]:
    """Run a script there; what it printed. It fails with the end of what was said."""
    with TemporaryDirectory(prefix="jobqueue-operations-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for entry in CHECKOUT.iterdir():
            if entry.name not in OWN:
                (folder / entry.name).symlink_to(entry)
        _refuse_to_install(folder)
        yield lambda script: _run(folder, script)
        _run(folder, "make down")


def _preparation() -> str:
    """Free ports, nobody else's servers, no make around it, and the checkout's installation, by the folder's name."""
    stamps = _bash(CHECKOUT, "pwd | cksum | cut -d' ' -f1").stdout.strip()
    return (
        f"unset REDIS_URL DATABASE_URL STATE_FOLDER MAKELEVEL; export {' '.join(f'{name}=0' for name in PORTS)}\n"
        f"export MAKEFLAGS=STAMPS=.venv/.stamps-{stamps}\nset -euo pipefail\n"
    )


def _refuse_to_install(folder: Path) -> None:
    """The folder's .venv is the checkout's."""
    plan = _bash(folder, f"{_preparation()}make -n setup")
    if plan.returncode or plan.stdout.strip(" :\n"):
        pytest.fail(f"the checkout is not set up: make setup\n{plan.stdout}{plan.stderr}")


def _run(folder: Path, script: str) -> str:
    done = _bash(folder, _preparation() + script)
    if done.returncode:
        pytest.fail(f"status {done.returncode}\n{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}")
    return done.stdout


def _bash(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

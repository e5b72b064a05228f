"""The services as they were before the function library got its present version, taken from the checkout's history."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from queue_engine.store import library

ROOT = Path(__file__).parents[3]
LIBRARY = "services/shared/queue-engine/src/queue_engine/store/library.py"
SOURCES = (
    "protos/gen", "services/shared/service-kit/src", "services/shared/queue-engine/src", "services/queue-admin/src",
    "services/worker/src", "tests", "deploy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PreviousVersion:
    """Where its sources are."""

    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """What a process of that version is started with: its sources come before the installed ones."""
        return {"PYTHONPATH": os.pathsep.join(str(self.folder / source) for source in SOURCES)}

    @property
    def library_version(self) -> str:
        """As its services load it."""
        code = "from queue_engine.store.library import library_version; print(library_version())"
        environment = {"PATH": os.defpath, **self.settings}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def previous_version(folder: Path) -> PreviousVersion:
    """Unpack it; skips loudly where the checkout has no such history."""
    present = f"MAJOR, MINOR = {library.MAJOR}, {library.MINOR}"
    since = _git("log", "--format=%H", f"-S{present}", "--", LIBRARY).decode().split()
    if not since or not (archive := _git("archive", "--format=tar", f"{since[-1]}^")):
        pytest.skip(f"the history here does not reach back before {present}: F25, ROLLING UPGRADES, IS NOT TESTED")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    subprocess.run([sys.executable, "protos/generate.py"], cwd=folder, check=True, capture_output=True)
    return PreviousVersion(folder)


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True).stdout  # noqa: S607
    except FileNotFoundError:
        return b""

from __future__ import annotations

import subprocess
import sys

import pytest

from service_kit import VERSION


@pytest.mark.parametrize("program", ["api-gateway", "audit", "queue-admin", "worker", "jobsctl"])
def test_every_program_tells_its_version_without_any_setting(program: str) -> None:
    command = [sys.executable, "-m", program.replace("-", "_"), "--version"]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout in {f"{program} {VERSION}\n", f"{program}, version {VERSION}\n"}

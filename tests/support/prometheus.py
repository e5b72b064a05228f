"""Debian's Prometheus with its promtool, and its redis_exporter: unpacked, not installed, so that no service starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.debian import unpack

FOLDER = Path(__file__).parents[2] / ".cache/prometheus"
PACKAGES = {"promtool": "prometheus"}  # of those that are not called as the program is


def program(name: str) -> Path:
    """`prometheus`, `promtool` or `prometheus-redis-exporter`; skips loudly where Debian's package cannot be had."""
    found = FOLDER / "usr/bin" / name
    if not found.exists():
        unpack(PACKAGES.get(name, name), FOLDER)
    if not found.exists():
        pytest.skip(
            f"ALERTS AND DASHBOARD ARE NOT TESTED: there is no {name}; it comes from Debian by apt-get download"
        )
    return found


def promtool(*arguments: str | Path, given: str | None = None) -> tuple[int, str]:
    """Its exit status and all that it said; `given` on its standard input."""
    done = subprocess.run(
        [program("promtool"), *arguments], input=given, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr

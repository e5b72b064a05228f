"""The machine under the measurements: what it is, and who uses it meanwhile."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def session(leader: int) -> list[int]:
    """The living processes that a command with a session of its own has become."""
    found = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in found if (fields := _stat(pid)) and int(fields[3]) == leader]


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of processes so far, with that of their children that ended."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(pid))) / TICKS


def busy_seconds() -> float:
    """CPU time that anybody used since the machine began, of all its cores."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def loop_seconds(turns: int = 2_000_000) -> float:
    """CPU time of a fixed pure-Python loop: how fast this machine is today."""
    began = time.process_time()
    for _ in range(turns):
        pass
    return time.process_time() - began


def described() -> str:
    """The machine in half a line."""
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), "unknown CPU")
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores ({model}), {system}, Python {platform.python_version()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def _stat(pid: int) -> list[str]:
    """From the state on (the third field of the file); empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return []

"""The table of faults: one row per fault, printed at the end of the run and kept in the documentation."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HEAD = (
    "| fault | what is done | jobs | lost | duplicated effects | most runs of a job | recovery p95 / max | remarks |\n"
    "|---|---|--:|--:|--:|--:|--:|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one fault did."""

    fault: str
    words: str
    jobs: int
    lost: int
    repeated_effects: int
    most_runs: int
    recovery: str
    seed: int
    note: str = ""

    def __str__(self) -> str:
        cells = (
            self.fault, self.words, self.jobs, self.lost, self.repeated_effects, self.most_runs or "-", self.recovery,
            self.note,
        )  # fmt: skip
        return f"| {' | '.join(map(str, cells))} |"

    @property
    def order(self) -> tuple[int, str]:
        """F2 before F10."""
        number = "".join(letter for letter in self.fault if letter.isdigit())
        return int(number or 0), self.fault


def figures(seconds: Sequence[float]) -> str:
    """95th percentile and maximum."""
    if not seconds:
        return "-"
    if len(seconds) == 1:
        return f"{seconds[0]:.1f} s"
    return f"{statistics.quantiles(seconds, n=20, method='inclusive')[-1]:.1f} / {max(seconds):.1f} s"


def table(rows: Sequence[Row], seed: int) -> str:
    """All rows in order, with what they were measured on."""
    settings = "leases of 1 s, four threads a worker, a store with `appendfsync always` where nothing else is said"
    machine = f"{os.cpu_count()} cores, Linux {platform.machine()}, Python {platform.python_version()}"
    lines = [HEAD, *map(str, sorted(rows, key=lambda row: row.order))]
    return "\n".join(lines) + f"\n\nMeasured by `make test-faults SEED={seed}`: {settings}; {machine}."

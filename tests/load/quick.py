"""Stock Dramatiq only, in a few minutes: `make bench-quick`. The workloads of `make bench`; nothing is kept.

Compare ratios, not figures. Stock Dramatiq is bound by waiting, the job service by CPU, so that a slower machine has a
smaller ratio: the line of the empty loop says how fast this one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from load import machine
from load.arena import an_arena
from load.bench import measured
from load.peers.systems import chosen
from load.results import median, paired_ratio
from load.workloads import WORKLOADS

SIZES = {"enqueue": 0.4, "batch": 0.5, "noop-1": 1.0, "noop-2": 1.0}
ROUNDS = 5
WINDOW_SECONDS = 3.0
Runs = Sequence[Mapping[str, Any]]


def main() -> None:
    """Measure and print; the last two lines are the ratios of no-op jobs a second."""
    systems = chosen(["ours", "dramatiq"])
    print(f"2,000,000 turns of an empty loop take this machine {machine.loop_seconds():.3f} s of CPU", flush=True)
    with an_arena(WINDOW_SECONDS) as arena:
        runs = {name: measured(arena, name, systems, size=size, rounds=ROUNDS) for name, size in SIZES.items()}
    for name, found in runs.items():
        told = [f"{title} {_told(found, key, form)}" for key, (title, form) in WORKLOADS[name].columns.items()]
        print(f"{WORKLOADS[name].title}, ours against Dramatiq: {'; '.join(told)}")
    print(f"ratio batches of 100 to Dramatiq one by one: {_ratio(runs['batch']):.2f}")
    print(f"ratio one process: {_ratio(runs['noop-1']):.2f}")
    print(f"ratio two processes: {_ratio(runs['noop-2']):.2f}")


def _told(runs: Runs, figure: str, form: str) -> str:
    values = [median(runs, system, figure) for system in ("ours", "dramatiq")]
    return " / ".join("-" if value is None else format(value, form) for value in values)


def _ratio(runs: Runs) -> float:
    ratio = paired_ratio(runs, "ours", "dramatiq", "rate")
    return float("nan") if ratio is None else ratio


if __name__ == "__main__":
    main()

"""The job service next to its peers, in turns on one Valkey: `make bench`.

    make bench                        everything: an hour or more, by what else the machine does
    make bench ONLY="noop-1 idle"     some workloads; the others keep their last figures
    make bench SIZE=0.1 ROUNDS=1      small and quick

Every round does a workload with one system after the other, in an order drawn anew. What each run showed is kept in
docs/performance/results.json; the tables and charts beside it are made from that.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from load import machine
from load.arena import Arena, Unmeasured, an_arena
from load.peers.systems import HEADLINE, System, chosen
from load.results import FOLDER, Results
from load.workloads import WORKLOADS


def main() -> None:
    """Measure what was asked for and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], choices=list(WORKLOADS), help="workloads (all)")
    parser.add_argument("--systems", nargs="*", default=list(HEADLINE), choices=list(HEADLINE), help="systems (all)")
    parser.add_argument("--size", type=float, default=1.0, help="share of the usual number of jobs")
    parser.add_argument("--rounds", type=int, help="rounds of each workload (3; of no-op jobs and batches 5)")
    parser.add_argument("--window", type=float, default=10.0, help="seconds after which a drain is cut off")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder of results, tables and charts")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))  # workers and store end with it
    systems, began = chosen(given.systems), time.monotonic()
    results = Results(given.into)
    with an_arena(given.window) as arena:
        for name in given.only or WORKLOADS:
            about = {"machine": machine.described(), "loop_ms": machine.loop_seconds() * 1e3, "size": given.size}
            runs = measured(arena, name, systems, size=given.size, rounds=given.rounds)
            results.keep(name, {**about, "at": datetime.now(UTC).isoformat(timespec="minutes"), "runs": runs})
    print(f"bench: {(time.monotonic() - began) / 60:.0f} minutes; {given.into / 'README.md'}")


def measured(
    arena: Arena, name: str, systems: dict[str, System], *, size: float = 1.0, rounds: int | None = None
) -> list[dict[str, Any]]:
    """Every run of a workload: its round, its system, its figures or why there are none."""
    workload, runs = WORKLOADS[name], list[dict[str, Any]]()
    rounds = rounds or workload.rounds
    wanted = [systems[each] for each in workload.systems if each in systems]
    for number in range(1, rounds + 1):
        for system in random.sample(wanted, len(wanted)):
            try:
                figures: dict[str, Any] = dict(workload.run(arena, system, size))
            except Unmeasured as why:
                figures = {"unmeasured": str(why)}
            told = ", ".join(f"{key} {value:,.2f}" for key, value in figures.items() if isinstance(value, float))
            print(f"{name} {number}/{rounds} {system.name}: {told or figures}", flush=True)
            runs.append({"round": number, "system": system.name, **figures})
    return runs


if __name__ == "__main__":
    main()

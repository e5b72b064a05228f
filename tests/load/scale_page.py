"""What `make bench-scale` found, as docs/performance/scale.md and its chart."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from load import charts
from load.results import FOLDER, rounded
from support.page_marks import put_between

CHART = ("take 16", "settle 16", "list page 1", "list last page", "counts", "retry", "remove", "cancel", "enqueue")
Curves = Mapping[str, Mapping[str, Mapping[str, float]]]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The b of y ~ x^b that fits best (least squares of the logarithms); 0 for fewer than two points."""
    logs = [(math.log10(x), math.log10(y)) for x, y in points if y > 0]
    if len(logs) < 2:
        return 0.0
    middle_x, middle_y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    spread: float = sum((x - middle_x) ** 2 for x, _ in logs)
    covariance: float = sum((x - middle_x) * (y - middle_y) for x, y in logs)
    return covariance / spread


def write(folder: Path, part: str, found: Mapping[str, Any]) -> None:
    """Remember a part and write its section, with the line that says where it was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "scale.md").exists():
        shutil.copy(FOLDER / "scale.md", folder)
    kept_in = folder / "scale.json"
    kept = json.loads(kept_in.read_text()) if kept_in.exists() else {}
    kept[part] = json.loads(json.dumps(rounded(found)))  # numbers of jobs become text, as they are read back
    kept_in.write_text(json.dumps(kept, indent=1) + "\n")
    about = kept[part]
    measured = (
        f"Measured {about['at'][:10]} on {about['machine']}, {about['loop_ms']:.0f} ms for the loop, "
        f"{about['cores_busy']:.1f} cores busy in all."
    )
    put_between(folder / "scale.md", part, "\n".join([*SECTIONS[part](about["found"]), "", measured]))
    if part == "waiting":
        (folder / "scale.svg").write_text(_chart(about["found"]))


def _curves(found: Curves, jobs: str) -> list[str]:
    sizes = list(found)
    calls = [name for name in found[sizes[0]] if "cpu_us" in found[sizes[0]][name]]
    heads = [f"{int(size):,} {jobs}" for size in sizes]
    lines = [
        f"| store CPU us a call (round trip ms) | {' | '.join(heads)} | slope |",
        f"|---|{'--:|' * (len(heads) + 1)}",
    ]
    for name in calls:
        cells = [f"{found[size][name]['cpu_us']:,.0f} ({found[size][name]['ms']:.2f})" for size in sizes]
        lines.append(f"| {name} | {' | '.join(cells)} | {slope(_points(found, name)):+.2f} |")
    return lines


def _points(found: Curves, name: str) -> list[tuple[float, float]]:
    return [(float(size), found[size][name]["cpu_us"]) for size in found]


def _waiting(found: Curves) -> list[str]:
    grown = {int(size): found[size]["memory"]["bytes"] for size in found}
    told = ", ".join(f"{value:,.0f} up to {size:,}" for size, value in grown.items())
    return [
        *_curves(found, "waiting"),
        "",
        f"Store memory a waiting job, in bytes: {told}.",
        "",
        "![Store CPU a call](scale.svg)",
    ]


def _workers(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = ["| workers | jobs/s | store CPU us a job | calls over 10 ms |", "|--:|--:|--:|--:|"]
    rows = [
        f"| {size} | {row['rate']:,.0f} | {row['store_us']:.0f} | {row['slow']:.0f} |" for size, row in found.items()
    ]
    return lines + rows


def _delayed(found: Mapping[str, Any]) -> list[str]:
    lines = ["| call | store CPU us | round trip ms |", "|---|--:|--:|"]
    rows = [
        f"| {name} | {row['cpu_us']:,.0f} | {row['ms']:.2f} |" for name, row in found.items() if isinstance(row, dict)
    ]
    told = (
        f"{found['jobs']:,} delayed jobs, {found['due']:,} of them due. Calls over 10 ms: {found['slow']} of these, "
        f"{found['slow_filling']} of the {found['jobs'] // 500:,} batches of 500 that enqueued them."
    )
    return [*lines, *rows, "", told]


def _retention(found: Mapping[str, Any]) -> list[str]:
    slowest = f" (the slowest {found['slowest_ms']:.1f} ms)" if found["slow"] else ""
    told = (
        f"{found['completed']:,} completed jobs were brought down to {found['left']:,} by {found['calls']:,} calls in "
        f"{found['seconds']:.0f} s: {found['cpu_us']:,.0f} us of the store's CPU each, the longest round trip "
        f"{found['max_ms']:.1f} ms; calls over 10 ms in the slow log: {found['slow']}{slowest}."
    )
    return [told]


def _chart(found: Curves) -> str:
    series = {name: _points(found, name) for name in CHART}
    return charts.lines("Store CPU a call, by the depth of the queue", series, across="jobs waiting", up="microseconds")


SECTIONS = {
    "waiting": _waiting,
    "queues": lambda found: _curves(found, "queues"),
    "workers": _workers,
    "delayed": _delayed,
    "retention": _retention,
}

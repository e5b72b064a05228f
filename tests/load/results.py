"""What was measured, kept as JSON, and the tables and charts of docs/performance made from it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from load import charts
from load.peers.systems import TITLES
from load.workloads import WORKLOADS, Workload
from support.page_marks import put_between

FOLDER = Path(__file__).parents[2] / "docs" / "performance"
CHARTS = {
    "noop-1": "rate", "noop-2": "rate", "enqueue": "rate", "timed-1ms": "rate", "retries": "rate", "idle": "p50",
    "half-busy": "p99", "memory": "waiting",
}  # fmt: skip


class Results:
    """The results of one folder: a workload that is measured again replaces what it showed before."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._file = folder, folder / "results.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.kept: dict[str, Any] = json.loads(self._file.read_text()) if self._file.exists() else {}

    def keep(self, name: str, found: Mapping[str, Any]) -> None:
        """Remember it and write everything anew."""
        self.kept[name] = rounded(found)
        self._file.write_text(json.dumps(self.kept, indent=1) + "\n")
        self.write()

    def write(self) -> None:
        """Tables into README.md, charts beside it."""
        texts = [self._section(name, workload) for name, workload in WORKLOADS.items() if name in self.kept]
        put_between(self.folder / "README.md", "tables", "\n\n".join([self._summary(), *texts]))

    def _section(self, name: str, workload: Workload) -> str:
        found = self.kept[name]
        lines = [f"### {workload.title}", "", workload.about, "", *self._table(workload, found["runs"])]
        if name in CHARTS:
            figure = CHARTS[name]
            self._chart(name, workload, figure)
            lines += ["", f"![{workload.title}: {workload.columns[figure][0]}]({name}.svg)"]
        size = "" if found["size"] == 1 else f" at {found['size']:g} of the usual size"
        lines += [
            "",
            f"Measured {found['at'][:10]}{size} on {found['machine']}; {found['loop_ms']:.0f} ms for the loop.",
        ]
        return "\n".join(lines)

    def _table(self, workload: Workload, runs: list[dict[str, Any]]) -> list[str]:
        decides = next(iter(workload.columns))
        heads = ["system", *(title for title, _ in workload.columns.values()), "ratio to Dramatiq", "others' cores"]
        lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
        for system in _ranked(runs, decides, more_is_better=workload.more_is_better):
            cells = [_cell(_values(runs, system, key), form) for key, (_, form) in workload.columns.items()]
            others = _cell(_values(runs, system, "others"), ".1f")
            cells += [_told(paired_ratio(runs, system, "dramatiq", decides)), others]
            lines.append(f"| {' | '.join([TITLES[system], *cells])} |")
        return lines

    def _chart(self, name: str, workload: Workload, figure: str) -> None:
        runs = self.kept[name]["runs"]
        measured = {run["system"]: _values(runs, run["system"], figure) for run in runs}
        shown = {TITLES[system].strip("*"): values for system, values in measured.items() if values}
        text = charts.bars(
            workload.title,
            {title: statistics.median(values) for title, values in shown.items()},
            ours=TITLES["ours"].strip("*"),
            unit=workload.columns[figure][0],
            spread={title: (min(values), max(values)) for title, values in shown.items()},
        )
        (self.folder / f"{name}.svg").write_text(text)

    def _summary(self) -> str:
        """Ours against each, by the deciding figure: above 1 is better for ours, whatever is measured."""
        peers = [system for system in TITLES if system != "ours"]
        lines = [
            "### Ratios at a glance",
            "",
            "Ours against each, by a table's first figure. Above 1: ours is ahead, whichever way it counts. All ratios",
            "are medians of the rounds' ratios, because the runs of one round lie close together in time.",
            "",
            f"| workload | {' | '.join(TITLES[peer] for peer in peers)} |",
            f"|---|{'--:|' * len(peers)}",
        ]
        for name, workload in WORKLOADS.items():
            if name in self.kept:
                runs, decides = self.kept[name]["runs"], next(iter(workload.columns))
                pairs = [("ours", peer) if workload.more_is_better else (peer, "ours") for peer in peers]
                ratios = [_told(paired_ratio(runs, one, other, decides)) for one, other in pairs]
                lines.append(f"| {workload.title} | {' | '.join(ratios)} |")
        missing = [workload.title for name, workload in WORKLOADS.items() if name not in self.kept]
        if missing:
            lines += ["", f"**Not measured yet** with this page's harness: {'; '.join(missing)}."]
        return "\n".join(lines)


def median(runs: Iterable[Mapping[str, Any]], system: str, figure: str) -> float | None:
    """Of all rounds; None when there is none."""
    values = _values(runs, system, figure)
    return statistics.median(values) if values else None


def paired_ratio(runs: Iterable[Mapping[str, Any]], one: str, other: str, figure: str) -> float | None:
    """The median of the rounds' ratios; None when no round has both."""
    found = {(run["round"], run["system"]): run[figure] for run in runs if run.get(figure)}
    ratios = [
        value / found[number, other] for (number, system), value in found.items()
        if system == one and (number, other) in found
    ]  # fmt: skip
    return statistics.median(ratios) if ratios else None


def _values(runs: Iterable[Mapping[str, Any]], system: str, figure: str) -> list[float]:
    return [run[figure] for run in runs if run["system"] == system and figure in run]


def _ranked(runs: list[dict[str, Any]], figure: str, *, more_is_better: bool) -> list[str]:
    last = float("-inf") if more_is_better else float("inf")

    def value(system: str) -> float:
        found = median(runs, system, figure)
        return last if found is None else found

    return sorted({run["system"] for run in runs}, key=value, reverse=more_is_better)


def _cell(values: list[float], form: str) -> str:
    if not values:
        return "not measured"
    middle = format(statistics.median(values), form)
    return middle if len(values) == 1 else f"{middle} ({format(min(values), form)}-{format(max(values), form)})"


def _told(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def rounded(value: Any) -> Any:
    """To six digits, all the way down."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value

"""What `make bench` makes of what it measured; the measuring itself takes minutes and is not part of the tests."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from load.arena import Unmeasured, rate
from load.charts import lines
from load.peers import environments
from load.results import Results, paired_ratio
from load.scale_page import slope
from support.page_marks import put_between

SECOND = 10**9


def test_a_drains_clock_starts_when_the_last_process_has_begun() -> None:
    early, late = [0, 1 * SECOND, 2 * SECOND, 3 * SECOND], [2 * SECOND, 4 * SECOND]

    assert rate([early, late]) == {"rate": 1.5}  # 4 starts in 2 s


def test_a_process_that_started_nothing_is_no_rate_of_zero() -> None:
    with pytest.raises(Unmeasured):
        rate([[5]])


def test_tables_tell_medians_spread_and_what_was_not_measured(tmp_path: Path) -> None:
    found = {"machine": "2 cores", "loop_ms": 20.0, "size": 1.0, "at": "2026-11-26T13:00+00:00"}
    runs = [
        *(
            {"round": number, "system": "ours", "rate": rate, "worker_us": 90.0, "store_us": 40.0, "others": 0.1}
            for number, rate in enumerate((900, 1000, 1200), 1)
        ),
        {"round": 2, "system": "dramatiq", "rate": 250.0, "worker_us": 300.0, "store_us": 80.0, "others": 0.1},
        {"round": 1, "system": "bullmq", "unmeasured": "nothing within 40 s"},
    ]

    Results(tmp_path).keep("noop-1", {**found, "runs": runs})

    page = (tmp_path / "README.md").read_text()
    assert "| **job service** | 1,000 (900-1,200) | 90 (90-90) | 40 (40-40) | 4.00 |" in page
    assert "| BullMQ (Node) | not measured | not measured | not measured | - |" in page
    chart = ET.fromstring((tmp_path / "noop-1.svg").read_text())  # noqa: S314 - our own
    assert [text.text for text in chart.iter() if text.text and "jobs/s" in text.text] == ["1,000 jobs/s", "250 jobs/s"]


def test_a_ratio_is_that_of_runs_of_one_round() -> None:
    rates = {"ours": {1: 1_000.0, 2: 300.0, 3: 9_000.0}, "dramatiq": {1: 200.0, 2: 100.0}}
    runs = [
        {"round": number, "system": system, "rate": rate} for system, of in rates.items() for number, rate in of.items()
    ]

    assert paired_ratio(runs, "ours", "dramatiq", "rate") == 4.0  # 5 and 3
    assert paired_ratio(runs, "ours", "bullmq", "rate") is None


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Method\n<!-- tables: begin -->\nold\n<!-- tables: end -->\n## Limits\n")

    put_between(page, "tables", "new")

    assert page.read_text() == "# Method\n<!-- tables: begin -->\nnew\n<!-- tables: end -->\n## Limits\n"
    with pytest.raises(ValueError, match="no marks"):
        put_between(page, "others", "new")


def test_a_slope_is_flat_for_equal_times_and_one_for_times_that_grow_with_the_queue() -> None:
    sizes = (1_000.0, 10_000.0, 100_000.0)

    assert slope([(size, 7.0) for size in sizes]) == pytest.approx(0)
    assert slope([(size, size / 50) for size in sizes]) == pytest.approx(1)


def test_lines_are_drawn_where_all_points_are_the_same() -> None:
    assert "<polyline" in lines("flat", {"take": [(1_000, 1.0), (1_000_000, 1.0)]}, across="jobs", up="ms")


@pytest.mark.parametrize("name", ["python", "arq"])
def test_peers_are_pinned_with_hashes_and_name_no_index(name: str) -> None:
    lock = (environments.HERE / f"{name}.lock").read_text()

    assert [
        package for package in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:] if "--hash" not in package
    ] == []
    assert "://" not in lock

from __future__ import annotations

from pathlib import Path

import pytest

from handbook.links import DOCS, ROOT, anchors, dead_links, for_handbook
from handbook.settings_page import docstrings
from worker.settings import WorkerSettings

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]
READMES = [path for top in ("services", "protos", "examples", "deploy", "tests") for path in (ROOT / top).rglob("*.md")]
SKIPPED = {"node_modules", "gen"}


@pytest.mark.parametrize(
    "page", [p for p in PAGES + READMES if not SKIPPED & set(p.parts)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_no_page_links_to_what_is_not_there(page: Path) -> None:
    assert dead_links(page) == []


def test_every_page_of_docs_is_in_the_handbooks_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]

    missing = [
        str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if str(page.relative_to(DOCS)) not in navigation
    ]
    assert missing == [], "name them under `nav` in mkdocs.yml"


def test_a_link_to_a_missing_file_or_heading_is_dead(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# Here & now\n\n```\n# no heading\n```\n")
    page.write_text(
        "# Top\n[a](#top) [b](other.md#here--now) [c](https://example.org) `[d](no)`\n"
        "[e](gone.md) [f](other.md#no-heading) [g](#away)\n"
    )

    assert dead_links(page) == ["gone.md", "other.md#no-heading", "#away"]


def test_links_out_of_the_handbook_become_paths() -> None:
    text = for_handbook("[schedules](docs/schedules.md#schedules), [its notes](services/audit/README.md)", ROOT)

    assert text == "[schedules](schedules.md#schedules), its notes (`services/audit/README.md`)"


def test_links_of_a_page_in_a_folder_of_the_handbook_lead_out_of_it() -> None:
    text = for_handbook("[why](../reliability.md#it) [beside](charts.svg)", DOCS / "performance")

    assert text == "[why](../reliability.md#it) [beside](charts.svg)"


def test_a_picture_of_docs_is_found_from_the_overview() -> None:
    assert for_handbook("![chart](docs/performance/noop-1.svg)", ROOT) == "![chart](performance/noop-1.svg)"


def test_headings_are_anchored_as_forges_do() -> None:
    assert anchors("# What `make` does: all, twice") == {"what-make-does-all-twice"}


def test_a_settings_meaning_is_the_text_below_it() -> None:
    assert docstrings(WorkerSettings)["worker_threads"] == "Jobs that run at a time."

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("protos", "services", "deploy", "tests", "examples")
SKIPPED = {"gen", "node_modules", "__pycache__"}
MOST_LINES = 300


def our_files(*suffixes: str) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in suffixes and not SKIPPED & set(path.relative_to(ROOT).parts):
                yield path


def as_params(*suffixes: str) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted(our_files(*suffixes))]


def test_no_file_is_too_long_to_read_in_one_go() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in our_files(".py", ".lua", ".sql")}

    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("path", as_params(".sql"))
def test_every_sql_file_opens_by_saying_what_it_does(path: Path) -> None:
    first = path.read_text().splitlines()[0]

    assert re.match(r"-- [A-Z].{6,}", first)


@pytest.mark.parametrize("path", as_params(".sql"))
def test_sql_names_its_columns(path: Path) -> None:
    assert not re.search(r"select\s+(\w+\.)?\*", path.read_text(), re.IGNORECASE)


def test_the_lock_pins_every_package_with_a_hash_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]

    assert len(packages) > len((ROOT / "requirements.in").read_text().split("\n\n"))
    assert [package for package in packages if "--hash=sha256:" not in package] == []
    assert "://" not in lock

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from handbook.links import ROOT
from service_kit import VERSION

PACKAGES = sorted(path for top in ("protos", "services") for path in (ROOT / top).rglob("pyproject.toml"))
NAMES_A_VERSION = re.compile(r"jobqueue:(?:\$\{JOBQUEUE_VERSION:-)?(?P<version>\d+\.\d+\.\d+)|newTag: (?P<tag>\S+?)\}")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.parent.name)
def test_every_package_takes_its_version_from_the_one_place(package: Path) -> None:
    document = tomllib.loads(package.read_text())

    source = (package.parent / document["tool"]["hatch"]["version"]["path"]).resolve()
    assert document["project"]["dynamic"] == ["version"]
    assert source == ROOT / "services/shared/service-kit/src/service_kit/__init__.py"


def test_images_are_named_with_that_version_everywhere() -> None:
    files = [*ROOT.glob("deploy/docker/*"), *ROOT.glob("deploy/kubernetes/**/*.yaml"), *ROOT.glob("docs/*.md")]
    named = {
        f"{file.name}: {found['version'] or found['tag']}"
        for file in files
        if file.is_file()
        for found in NAMES_A_VERSION.finditer(file.read_text())
    }

    assert len(named) >= 4
    assert {entry for entry in named if not entry.endswith(f": {VERSION}")} == set()


def test_the_changelog_has_a_section_for_that_version_or_for_the_next() -> None:
    sections = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert sections[0] in {"Unreleased", VERSION}

"""Print what our packages need at run time, from their pyproject.toml; `make lock` pins it for the image."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

OURS = "jobqueue-"


def runtime_requirements(packages: Sequence[Path]) -> list[str]:
    """The dependencies that the packages in these folders declare, without our own packages, sorted."""
    declared: set[str] = set()
    for package in packages:
        project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
        declared.update(project.get("dependencies", ()))
    return sorted(name for name in declared if not name.startswith(OURS))


if __name__ == "__main__":
    sys.stdout.write("\n".join(runtime_requirements([Path(folder) for folder in sys.argv[1:]])) + "\n")

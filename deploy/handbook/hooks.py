"""What mkdocs calls while it builds the handbook: the pages that are made, and links that leave docs/."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parents[1]))  # mkdocs loads this file by its path

from handbook import contracts, rest, settings_page
from handbook.links import DOCS, ROOT, for_handbook

MADE = {
    "index.md": lambda: for_handbook((ROOT / "README.md").read_text(), ROOT),
    "contributing.md": lambda: for_handbook((ROOT / "CONTRIBUTING.md").read_text(), ROOT),
    "reference/settings.md": settings_page.page,
    "reference/rest.md": rest.page,
    "reference/grpc.md": contracts.page,
}


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages that are made."""
    for name, make in MADE.items():
        files.append(File.generated(config, name, content=make()))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn links out of docs/ into paths."""
    uri = page.file.src_uri
    return markdown if uri in MADE else for_handbook(markdown, (DOCS / uri).parent)

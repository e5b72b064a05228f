"""Links in Markdown files of this repository: where they lead, and what becomes of them in the handbook."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
ANY_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#+ +(?P<text>.+?) *$", re.MULTILINE)
_NO_SLUG = re.compile(r"[^\w\- ]")


def dead_links(page: Path) -> list[str]:
    """What `page` links to within the repository that is not there: files, and headings of Markdown files."""
    text = _SPAN.sub("``", _CODE.sub("", page.read_text()))
    return [target for target in (found["target"] for found in ANY_LINK.finditer(text)) if _is_dead(page, target)]


def _is_dead(page: Path, target: str) -> bool:
    if _ELSEWHERE.match(target):
        return False
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    if not file.exists():
        return True
    return bool(anchor) and file.suffix == ".md" and anchor not in anchors(file.read_text())


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown text's headings, as forges and mkdocs make them."""
    headings = (found["text"] for found in _HEADING.finditer(_CODE.sub("", text)))
    return {_NO_SLUG.sub("", heading.lower()).strip().replace(" ", "-") for heading in headings}


def for_handbook(text: str, folder: Path) -> str:
    """`text` of a file in `folder` with links that work in the handbook: what is no page of it becomes its path."""
    here = folder.relative_to(DOCS) if folder.is_relative_to(DOCS) else Path()  # what is not of docs/ comes to its top

    def link(found: re.Match[str]) -> str:
        target = found["target"]
        if _ELSEWHERE.match(target) or target.startswith("#"):
            return found[0]
        path, _, anchor = target.partition("#")
        file = Path(os.path.normpath(folder / path))
        page = _page(file)
        if page is not None:
            return f"[{found['text']}]({os.path.relpath(page, here)}{'#' * bool(anchor)}{anchor})"
        shown = file.relative_to(ROOT)
        return found["text"] if str(shown) in found["text"] else f"{found['text']} (`{shown}`)"

    return LINK.sub(link, text)


def _page(file: Path) -> str | None:
    """A file's name as a page beside the other pages, None when it is none."""
    if file in {ROOT / "README.md", ROOT / "CONTRIBUTING.md"}:
        return {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}[file.name]
    if file.is_relative_to(DOCS) and file.suffix in {".md", ".svg", ".png"}:
        return str(file.relative_to(DOCS))
    return None

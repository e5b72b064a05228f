"""Pages of the documentation whose tables a run writes."""

from __future__ import annotations

from pathlib import Path


def put_between(page: Path, name: str, text: str) -> None:
    """Replace what stands between a page's two marks of that name; raises ValueError when it has none."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page.touch()
    old = page.read_text() or f"{begin}\n{end}\n"
    if begin not in old or end not in old:
        raise ValueError(f"{page} has no marks {begin} and {end}")
    before, _, rest = old.partition(begin)
    page.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}")

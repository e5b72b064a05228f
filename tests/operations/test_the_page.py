"""docs/operations.md, done as it is written: its blocks in order, in one shell, on a local stack of its own."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from operations.conftest import CHECKOUT, Shell

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[tuple[str, str]]:
    """(heading and line, commands) of each block."""
    text = (CHECKOUT / "docs" / "operations.md").read_text()
    found = []
    for block in BLOCK.finditer(text):
        before = text[: block.start()]
        line = len(before.splitlines()) + 2
        heading = re.findall(r"^## (.*)$", before, re.MULTILINE)[-1]
        found.append((f"{heading}, line {line}", block[1]))
    return found


def test_every_command_of_the_page_works_in_its_order(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    marked = [f'echo "== $SECONDS {title}"\n{commands}' for title, commands in blocks()]

    said = shell("\n".join([*marked, 'echo "== $SECONDS end"']))

    times = [(int(at), title) for at, title in re.findall(r"^== (\d+) (.*)$", said, re.MULTILINE)]
    assert [title for _, title in times] == [*(title for title, _ in blocks()), "end"]
    with capsys.disabled():
        for (begun, title), (ended, _) in pairwise(times):
            print(f"{ended - begun:5} s  {title}")

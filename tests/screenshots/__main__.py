"""`make screenshots`: start a stack, fill it with life, and take the pictures of docs/screenshots anew.

`--all`: every page and dialog in both themes and three widths instead, for somebody who looks for defects.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from e2e.dashboard.chromium import a_browser
from fixtures.stack import a_stack
from screenshots.camera import CHECKOUT, Camera, Shot
from screenshots.life import Life
from screenshots.shots import DRAWER, EVERY, KEPT
from support.joined_worker import joined_worker, wait_for_type


def main() -> None:
    """Take them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--into", type=Path, default=CHECKOUT / "docs" / "screenshots", help="the folder")
    arguments.add_argument("--all", action="store_true", help="every page, theme and width")
    arguments.add_argument("--only", default="", metavar="TEXT", help="those with this in their name")
    given = arguments.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        shoot(Path(folder), given.into, every=given.all, only=given.only)


def shoot(folder: Path, into: Path, *, every: bool, only: str) -> None:
    """A stack, its life, its pictures."""
    with (
        a_stack(folder, GATEWAY_ENVIRONMENT="local") as stack,
        joined_worker(stack, folder, WORKER_THREADS="4"),
        stack.client("service@local") as backend,
        stack.client() as ops,
        stack.client("admin@local") as admin,
        a_browser() as browser,
    ):
        wait_for_type(stack, "report.monthly")
        Life(stack, backend, ops, admin).fill()
        camera = Camera(browser, stack, into)
        for shot, theme, width in EVERY if every else KEPT:
            if only not in shot.name:
                continue
            print(f"{shot.name}, {theme}, {width} px", flush=True)
            camera.take(shot, theme=theme, width=width)
        if every:
            stack.stop("audit")
            camera.take(Shot("audit-away", DRAWER), theme="dark", width=1440)
            stack.stop("valkey")
            camera.take(Shot("store-away", "/job-queues/tickets"), theme="light", width=1440)


if __name__ == "__main__":
    main()

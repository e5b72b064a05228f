"""The real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.debian import install

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str | None:
    """Where the browser is, None without one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def installed() -> str:
    """Where the browser is; installs it where that can be done, and skips with a clear word where not."""
    if (found := executable()) is None:
        install("chromium")
        found = executable()
    if found is None:
        pytest.skip("THE DASHBOARD IS NOT TESTED: there is no Chromium; on Debian: apt-get install chromium")
    return found


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A started browser."""
    path = installed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()

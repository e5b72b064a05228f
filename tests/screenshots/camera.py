"""Takes pictures of pages as an operator sees them."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from fixtures.stack import RunningStack

CHECKOUT = Path(__file__).parents[2]
# Stacks name the files of this checkout and the machine; in the images of the services they lie under /app.
SHOW_AS_INSTALLED = """([checkout, host]) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    texts.currentNode.data = texts.currentNode.data.replaceAll(checkout, '/app').replaceAll(host, 'node-1');
}"""
HEIGHTS = {1440: 900, 1024: 768, 320: 900}


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of an address after `act`; `seen_by` is the user who looks, or nobody."""

    name: str
    path: str
    act: Callable[[Page], object] = lambda _page: None
    seen_by: str = "ops@local"


class Camera:
    """Keeps pictures in a folder; signs each user in once."""

    def __init__(self, browser: Browser, stack: RunningStack, folder: Path) -> None:
        self._browser, self._stack, self._folder = browser, stack, folder
        self._sessions: dict[str, BrowserContext] = {}

    def take(self, shot: Shot, *, theme: str, width: int) -> None:
        """Open the page, do what belongs to it, and keep what is seen."""
        page = self._page_of(shot.seen_by)
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        page.goto(self._stack.url + shot.path)
        page.wait_for_selector("html[data-ready]")
        shot.act(page)
        page.mouse.move(0, 0)
        page.evaluate(SHOW_AS_INSTALLED, [str(CHECKOUT), socket.gethostname()])
        page.screenshot(path=self._folder / f"{shot.name}-{theme}-{width}.png", animations="disabled")
        page.close()

    def _page_of(self, email: str) -> Page:
        if email not in self._sessions:
            self._sessions[email] = self._browser.new_context()
            self._sessions[email].set_default_timeout(20_000)
            if email:
                self._sign_in(email)
        return self._sessions[email].new_page()

    def _sign_in(self, email: str) -> None:
        page = self._sessions[email].new_page()
        page.goto(f"{self._stack.url}/login")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(self._stack.stack.credentials.passwords()[email])
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).to_have_url(re.compile("/job-queues$"))
        page.close()

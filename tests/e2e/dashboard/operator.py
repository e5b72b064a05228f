"""A person at the dashboard, and what they never may see: a console error, a script that ran, a policy broken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from fixtures.stack import RunningStack

WIDE, NARROW = (1440, 900), (320, 720)
PATIENCE_MS = 20_000  # a machine that runs other things too takes its time


@dataclass
class Person:
    """One browser with one page. `problems` must stay empty, but for answers the test expects."""

    page: Page
    url: str
    javascript: bool = True
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to an address and wait until the page's modules run."""
        self.page.goto(self.url + path)
        self.ready()

    def ready(self) -> None:
        """Wait until the page's modules run."""
        if not self.javascript:
            return
        self.page.wait_for_selector("html[data-ready]")

    def sign_in(self, email: str, password: str) -> None:
        """Fill the login form that is open."""
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def toast(self) -> Locator:
        """The message about what was done."""
        return self.page.locator("#toasts .toast")

    def dialog(self) -> Locator:
        """The open dialog."""
        return self.page.locator("dialog[open]")

    def drawer(self) -> Locator:
        """The open job."""
        return self.page.locator("#drawer")

    def row(self, job_id: str) -> Locator:
        """A job's line in the list."""
        return self.page.locator(f'[data-key="job-{job_id}"]')

    def expects(self, status: int) -> None:
        """The browser will note an answer of this status in its console; that is meant."""
        self.expected.append(f"status of {status}")

    def unexpected(self) -> list[str]:
        """What was seen that nobody expected."""
        return [problem for problem in self.problems if not any(words in problem for words in self.expected)]


@contextmanager
def a_person(
    browser: Browser,
    stack: RunningStack,
    *,
    size: tuple[int, int] = WIDE,
    javascript: bool = True,
    cookies: list[dict[str, object]] | None = None,
) -> Iterator[Person]:
    """A person with a fresh browser profile; what went wrong in it fails the test."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="light",
        java_script_enabled=javascript,
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE_MS)
    context.set_default_navigation_timeout(3 * PATIENCE_MS)
    if cookies:
        context.add_cookies(cookies)  # type: ignore[arg-type]  # as they came from another context
    person = Person(context.new_page(), stack.url, javascript)
    listen(context, person)
    try:
        yield person
    finally:
        context.close()
    assert not person.unexpected(), "\n".join(person.unexpected())


def listen(context: BrowserContext, person: Person) -> None:
    """Note every console error, uncaught exception, script dialog and request that leaves the site."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            person.problems.append(f"{message.type}: {message.text}")

    context.on("console", on_console)
    context.on("weberror", lambda error: person.problems.append(f"exception: {error.error}"))
    person.page.on("dialog", lambda dialog: person.problems.append(f"a script opened a dialog: {dialog.message}"))
    person.page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((person.url, "data:", "blob:"))
            else person.problems.append(f"asked elsewhere: {request.url}")
        ),
    )


def session_of(browser: Browser, stack: RunningStack, email: str) -> list[dict[str, object]]:
    """The cookies of somebody who signed in."""
    with a_person(browser, stack) as person:
        person.open("/login")
        person.sign_in(email, stack.stack.credentials.passwords()[email])
        expect(person.page).to_have_url(re.compile("/job-queues$"))
        return [dict(cookie) for cookie in person.page.context.cookies()]

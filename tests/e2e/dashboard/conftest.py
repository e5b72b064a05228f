from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from e2e.dashboard.chromium import a_browser
from e2e.dashboard.jobs import Jobs
from e2e.dashboard.operator import PATIENCE_MS, Person, a_person, session_of
from fixtures.stack import RunningStack

Cookies = list[dict[str, object]]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the dashboard."""
    with a_browser() as started:
        yield started


@pytest.fixture(scope="session")
def sessions(browser: Browser, stack: RunningStack) -> dict[str, Cookies]:
    """Cookies of those who may enter, signed in once."""
    return {email: session_of(browser, stack, email) for email in ("ops@local", "admin@local")}


@pytest.fixture
def ops(browser: Browser, stack: RunningStack, sessions: dict[str, Cookies]) -> Iterator[Person]:
    """An operator, signed in."""
    with a_person(browser, stack, cookies=sessions["ops@local"]) as person:
        yield person


@pytest.fixture
def admin(browser: Browser, stack: RunningStack, sessions: dict[str, Cookies]) -> Iterator[Person]:
    """An administrator, signed in."""
    with a_person(browser, stack, cookies=sessions["admin@local"]) as person:
        yield person


@pytest.fixture
def stranger(browser: Browser, stack: RunningStack) -> Iterator[Person]:
    """Somebody who is not signed in."""
    with a_person(browser, stack) as person:
        yield person


@pytest.fixture(scope="module")
def jobs(stack: RunningStack) -> Iterator[Jobs]:
    """Jobs for the tests, by two who logged in once: each login costs what a password hash costs."""
    with stack.client("admin@local") as client, stack.client("service@local") as backend:
        yield Jobs(stack, client, backend)

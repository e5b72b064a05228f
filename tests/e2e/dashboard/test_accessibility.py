from __future__ import annotations

import re
from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.dashboard.conftest import Cookies
from e2e.dashboard.jobs import Jobs, schedule_path
from e2e.dashboard.operator import NARROW, WIDE, Person, a_person
from fixtures.stack import RunningStack

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES: dict[Literal["light", "dark"], list[str]] = {"light": TAGS, "dark": ["color-contrast", "link-in-text-block"]}
"""In dark only what colours can change."""
EMPTY = ("/job-queues/tickets?status=active", "/audit?actor=nobody", "/search?q=no-such-job-anywhere")


def pages(dead: str, delayed: str, schedule: str) -> list[str]:
    return [
        "/job-queues",
        "/job-queues/notifications?status=failed",
        "/job-queues/tickets?status=delayed",
        "/job-queues/notifications?status=completed",
        "/job-queues/dead-letter",
        f"/job-queues/notifications/{dead}",
        f"/job-queues/tickets/{delayed}",
        f"/job-queues/notifications/~job/edit?id={dead}",
        f"/job-queues/tickets/~job/reschedule?id={delayed}",
        "/job-queues/tickets/~pause",
        f"/job-queues/notifications/~document?id={dead}",
        "/audit",
        "/schedules",
        f"/schedules/notifications/{schedule}",
        f"/schedules/notifications/{schedule}/edit",
        f"/schedules/notifications/{schedule}/pause",
        "/schedules/new",
        "/workers",
        "/job-types",
        "/job-types/notifications/send-notification/enqueue",
        "/search?q=dead&queue=notifications",
        *EMPTY,
    ]


def a_schedule_that_ran(jobs: Jobs) -> str:
    schedule = jobs.schedule()
    jobs.client.post(f"{schedule_path(schedule)}/run", json={}).raise_for_status()
    jobs.client.post(f"{schedule_path(schedule)}/pause", json={"reason": "to be looked at"}).raise_for_status()
    return schedule


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands, in both themes."""
    page.evaluate(AXE)
    found = []
    for theme, only in RULES.items():
        page.emulate_media(color_scheme=theme)
        answer: dict[str, Any] = page.evaluate(f"axe.run(document, {{runOnly: {only}, resultTypes: ['violations']}})")
        found += [
            f"{theme}: {v['id']}: {node['html'][:160]}: {node['failureSummary']}"
            for v in answer["violations"]
            for node in v["nodes"]
        ]
    return found


def test_axe_finds_nothing_on_any_page(
    browser: Browser, stack: RunningStack, sessions: dict[str, Cookies], jobs: Jobs
) -> None:
    dead, delayed, schedule = jobs.dead(), jobs.delayed(), a_schedule_that_ran(jobs)
    found = {}
    with a_person(browser, stack, cookies=sessions["admin@local"]) as person:
        person.page.emulate_media(reduced_motion="reduce")  # colours are judged at rest
        for path in pages(dead, delayed, schedule):
            person.open(path)
            found[path] = violations(person.page)
        person.open("/job-queues/notifications?status=failed")
        person.row(dead).get_by_role("checkbox").check()
        found["selection"] = violations(person.page)
        person.page.locator("[data-bulk]").get_by_role("button", name="Retry…").click()
        expect(person.dialog()).to_be_visible()
        found["dialog"] = violations(person.page)
        person.page.keyboard.press("Escape")
        person.page.get_by_text("admin@local").first.click()
        found["menu"] = violations(person.page)
    with a_person(browser, stack) as stranger:
        stranger.open("/login")
        found["login"] = violations(stranger.page)
        stranger.expects(403)
        stranger.sign_in("tenant@local", stack.stack.credentials.passwords()["tenant@local"])
        expect(stranger.page.get_by_role("heading", name="This dashboard is for operators")).to_be_visible()
        found["forbidden"] = violations(stranger.page)
    problems = [f"{path}: {problem}" for path, problems in found.items() for problem in problems]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("size", [NARROW, (WIDE[0] // 2, WIDE[1] // 2)], ids=["320 px", "zoom 200 %"])
def test_no_page_needs_to_be_scrolled_sideways(
    browser: Browser, stack: RunningStack, sessions: dict[str, Cookies], jobs: Jobs, size: tuple[int, int]
) -> None:
    long = "x" * 150
    dead, delayed = jobs.dead(job_id=f"dead-{long}", recipient=long), jobs.delayed()
    schedule = a_schedule_that_ran(jobs)
    with a_person(browser, stack, size=size, cookies=sessions["admin@local"]) as person:
        for path in pages(dead, delayed, schedule):
            person.open(path)
            width = person.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0], path
    jobs.client.post(f"/jobs/queues/notifications/{dead}/remove", json={}).raise_for_status()


def test_a_job_is_retried_by_keyboard_alone(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.page.keyboard.press("j")
    expect(ops.row(job_id).get_by_role("link")).to_be_focused()
    ops.page.keyboard.press("Enter")
    expect(ops.page.locator("#drawer-title")).to_be_focused()
    for _ in range(12):
        ops.page.keyboard.press("Tab")
        if ops.page.evaluate("document.activeElement.textContent.trim()") == "Retry…":
            break
    outline = ops.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    ops.page.keyboard.press("Enter")
    expect(ops.dialog().get_by_label("Reason")).to_be_focused()
    ops.page.keyboard.type("by keyboard")
    ops.page.keyboard.press("Tab")
    ops.page.keyboard.press("Tab")
    ops.page.keyboard.press("Enter")
    expect(ops.toast()).to_contain_text("was retried")
    assert jobs.audited(job_id, "retry")["reason"] == "by keyboard"


def test_nothing_moves_for_those_who_asked_for_it(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.page.emulate_media(reduced_motion="reduce")
    ops.open(f"/job-queues/notifications/{job_id}")
    assert ops.page.evaluate("document.getAnimations().length") == 0


def test_exact_times_are_in_the_tooltip(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    title = ops.row(job_id).locator("time").first.get_attribute("title") or ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC", title)

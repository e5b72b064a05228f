from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from e2e.dashboard.conftest import Cookies
from e2e.dashboard.jobs import Jobs
from e2e.dashboard.operator import Person, a_person
from fixtures.stack import RunningStack


@pytest.fixture
def plain(browser: Browser, stack: RunningStack, sessions: dict[str, Cookies]) -> Iterator[Person]:
    with a_person(browser, stack, javascript=False, cookies=sessions["ops@local"]) as person:
        yield person


def test_a_job_is_seen_and_retried(plain: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    plain.open("/job-queues/notifications?status=failed")
    plain.row(job_id).get_by_role("link").click()
    expect(plain.drawer()).to_contain_text("Why it failed")
    plain.drawer().get_by_role("link", name="Retry…", exact=True).click()
    plain.page.get_by_label("Reason").fill("without scripts")
    plain.page.get_by_role("button", name="Retry").click()
    expect(plain.toast()).to_contain_text("was retried")
    assert jobs.audited(job_id, "retry")["reason"] == "without scripts"


def test_a_selection_is_removed(plain: Person, jobs: Jobs) -> None:
    mine = [jobs.dead(), jobs.dead()]
    plain.open("/job-queues/notifications?status=failed")
    for job_id in mine:
        plain.row(job_id).get_by_role("checkbox").check()
    plain.page.get_by_role("button", name="Remove…").click()
    plain.page.get_by_label("Reason").fill("both")
    plain.page.get_by_role("button", name="Remove 2 jobs").click()
    expect(plain.toast()).to_contain_text("2 jobs removed")
    assert [jobs.status("notifications", job_id) for job_id in mine] == ["gone", "gone"]


def test_a_large_payload_is_read_part_by_part(plain: Person, jobs: Jobs) -> None:
    job_id = jobs.dead(metadata={f"key-{n:04}": n for n in range(300)})
    plain.open(f"/job-queues/notifications/{job_id}")
    plain.drawer().locator("summary", has_text="metadata").click()
    plain.drawer().get_by_role("link", name="Show more").click()
    expect(plain.page.get_by_role("heading", name="Payload")).to_be_visible()
    expect(plain.page.locator(".key", has_text="key-0150")).to_be_visible()
    plain.page.get_by_role("link", name="Show more").click()
    expect(plain.page.locator(".key", has_text="key-0250")).to_be_visible()


def test_page_size_and_theme_are_chosen(plain: Person) -> None:
    plain.open("/job-queues/tickets?status=delayed")
    plain.page.get_by_label("Per page").select_option("10")
    plain.page.get_by_role("button", name="Set").click()
    expect(plain.page.get_by_label("Per page")).to_have_value("10")
    plain.page.get_by_text("ops@local").first.click()
    plain.page.get_by_role("button", name="Dark").click()
    expect(plain.page.locator("html")).to_have_attribute("data-theme", "dark")

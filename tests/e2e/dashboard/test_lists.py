from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.dashboard.jobs import Jobs, unique
from e2e.dashboard.operator import Person


def test_the_overview_shows_every_queue_and_asks_for_action(ops: Person, jobs: Jobs) -> None:
    jobs.dead()
    ops.open("/")
    expect(ops.page).to_have_url(re.compile("/job-queues$"))
    expect(ops.page.get_by_role("heading", name="Job Queues")).to_be_visible()
    expect(ops.page.locator(".environment")).to_have_text("local")
    expect(ops.page.get_by_role("link", name="Refresh")).to_be_visible()
    expect(ops.page.get_by_role("heading", name="Action required")).to_be_visible()
    for name in ("tickets", "notifications", "dead-letter"):
        expect(ops.page.locator(f'[data-key="queue-{name}"]')).to_be_visible()
    expect(ops.page.get_by_text("Job store")).to_contain_text("Job store")
    dead = next(q for q in jobs.client.get("/jobs/queues").json() if q["name"] == "dead-letter")["failed"]
    expect(ops.page.locator('[data-key="queue-dead-letter"] [data-label="Failed"]')).to_contain_text(f"{dead:,}")


def test_each_count_leads_to_what_it_counts(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.delayed()
    ops.open("/job-queues")
    ops.page.locator('[data-key="queue-tickets"] [data-label="Delayed"] a').click()
    expect(ops.page.get_by_role("heading", name="Tickets Queue")).to_be_visible()
    expect(ops.page.get_by_role("link", name="Back to queues")).to_be_visible()
    expect(ops.row(job_id)).to_contain_text("in 5 h")


def test_tabs_pages_and_sizes_are_addresses(ops: Person, jobs: Jobs) -> None:
    for _ in range(12):
        jobs.delayed()
    ops.open("/job-queues/tickets?status=delayed&pageSize=10")
    expect(ops.page.locator("[data-row]")).to_have_count(10)
    ops.page.get_by_role("link", name="Next").click()
    expect(ops.page).to_have_url(re.compile("page=2"))
    ops.ready()
    ops.page.get_by_role("link", name=re.compile("Waiting")).click()
    expect(ops.page).to_have_url(re.compile(r"\?status=waiting$"))
    ops.page.go_back()
    expect(ops.page).to_have_url(re.compile("page=2"))
    expect(ops.page.locator('.pager [aria-current="page"]')).to_have_text("2")
    ops.page.get_by_label("Per page").select_option("50")
    expect(ops.page).to_have_url(re.compile("pageSize=50"))
    ops.open("/job-queues/notifications?status=completed")
    expect(ops.page.get_by_label("Per page")).to_have_value("50")


def test_a_list_is_turned_around_by_its_column(ops: Person, jobs: Jobs) -> None:
    mine = [jobs.delayed(unique(f"later-{n}")) for n in range(3)]  # in order even when due in the same millisecond

    def shown() -> list[str]:
        ids = ops.page.locator("[data-row] [data-open]").all_inner_texts()
        return [job_id for job_id in ids if job_id in mine]

    ops.open("/job-queues/tickets?status=delayed&pageSize=100")
    due = ops.page.get_by_role("columnheader", name="Due")
    expect(due).to_have_attribute("aria-sort", "ascending")
    assert shown() == mine
    due.get_by_role("link").click()
    expect(ops.page).to_have_url(re.compile("order=newest"))
    expect(due).to_have_attribute("aria-sort", "descending")
    assert shown() == mine[::-1]
    ops.row(mine[2]).get_by_role("link").click()
    expect(ops.page.locator("#drawer-title")).to_have_text(mine[2])
    expect(ops.page).to_have_url(re.compile("order=newest"))
    ops.page.keyboard.press("j")
    expect(ops.drawer()).to_contain_text(mine[1])  # the next one in the order that is shown
    for _ in range(2):
        ops.page.go_back()
    expect(ops.drawer()).to_have_count(0)
    ops.page.get_by_role("link", name="Show the next due first").click()
    expect(due).to_have_attribute("aria-sort", "ascending")
    expect(ops.page).not_to_have_url(re.compile("order="))


@pytest.mark.parametrize(
    ("status", "column", "usual"),
    [("waiting", "Place", "ascending"), ("active", "Runtime", "descending"), ("failed", "Finished", "descending")],
)
def test_each_status_can_be_read_from_both_ends(ops: Person, status: str, column: str, usual: str) -> None:
    other = {"ascending": "descending", "descending": "ascending"}[usual]
    ops.open(f"/job-queues/notifications?status={status}")
    header = ops.page.get_by_role("columnheader", name=column)
    expect(header).to_have_attribute("aria-sort", usual)
    header.get_by_role("link").click()
    expect(header).to_have_attribute("aria-sort", other)


def test_a_page_that_no_longer_exists_is_the_last_one(ops: Person, jobs: Jobs) -> None:
    jobs.delayed()
    ops.open("/job-queues/tickets?status=delayed&page=99999")
    expect(ops.page.locator("[data-row]").first).to_be_visible()


def test_groups_tell_why_jobs_failed_and_filter_the_list(ops: Person, jobs: Jobs) -> None:
    mine = jobs.dead()
    refused = jobs.dead(recipient="user-cora")
    ops.open("/job-queues/notifications?status=failed")
    group = ops.page.locator(".group", has_text="the platform has no user nobody-x")
    amount = int(group.locator(".group-count").inner_text().replace(",", ""))
    assert amount >= 1
    group.click()
    expect(ops.page).to_have_url(re.compile("group="))
    expect(ops.row(mine)).to_be_visible()
    expect(ops.row(refused)).to_have_count(0)
    expect(ops.page.locator(".pager")).to_contain_text(f"of {amount}")


def test_groups_beyond_the_largest_are_one_click_away(ops: Person, jobs: Jobs) -> None:
    error = "group {}: the provider said no"
    for letter in "abcdefghijklmno":
        jobs.delayed(f"grouped-{letter}")
        body = {"reason": error.format(letter * 3)}
        jobs.client.post(f"/jobs/queues/tickets/grouped-{letter}/cancel", json=body).raise_for_status()
    ops.open("/job-queues/tickets?status=failed")
    more = ops.page.locator(".more-groups")
    expect(more.locator(".group").first).not_to_be_visible()
    more.locator("summary").click()
    line = more.locator(".group-line").first.inner_text()
    more.locator(".group").first.click()
    expect(ops.page).to_have_url(re.compile("group="))
    expect(more.locator('.group[aria-current="true"]')).to_contain_text(line)  # it is open where the chosen one is
    total = sum(int(text.replace(",", "")) for text in ops.page.locator(".group-count").all_inner_texts())
    assert total == next(q for q in jobs.client.get("/jobs/queues").json() if q["name"] == "tickets")["failed"]


def test_a_queue_is_paused_with_a_reason_and_resumed(ops: Person, jobs: Jobs) -> None:
    reason = unique("maintenance")
    ops.open("/job-queues/tickets")
    ops.page.get_by_role("link", name="Pause queue").click()
    ops.dialog().get_by_label("Reason").fill(reason)
    ops.dialog().get_by_role("button", name="Pause").click()
    expect(ops.toast()).to_contain_text("tickets is paused")
    try:
        expect(ops.page.get_by_label("Paused", exact=True)).to_contain_text(reason)
        ops.open("/job-queues")
        expect(ops.page.locator('[data-key="queue-tickets"]')).to_contain_text("by ops")
    finally:
        ops.open("/job-queues/tickets")
        ops.page.get_by_role("link", name="Resume queue").click()
        ops.dialog().get_by_role("button", name="Resume").click()
        expect(ops.toast()).to_contain_text("running again")
    records = jobs.client.get("/jobs/audit", params={"queue": "tickets"}).json()["data"]
    assert [r["action"] for r in records if r.get("reason") == reason] == ["pause"]


def test_what_is_not_there_is_told_with_a_way_back(ops: Person) -> None:
    ops.expects(404)
    for path, words in (
        ("/job-queues/no-such-queue", "There is no such queue"),
        ("/job-queues/tickets/no-such-job", "This job is gone"),
        ("/job-queues/tickets/a/b/c", "Page not found"),
    ):
        ops.open(path)
        expect(ops.page.get_by_role("heading", name=words)).to_be_visible()
        expect(ops.page.get_by_role("link", name="Back to queues")).to_be_visible()


def test_a_job_is_found_by_the_beginning_of_its_id(ops: Person, jobs: Jobs) -> None:
    mark = unique("needle")
    first, second = jobs.delayed(f"{mark}-1"), jobs.delayed(f"{mark}-2")
    ops.open("/job-queues")
    ops.page.keyboard.press("/")
    ops.page.keyboard.type(mark)
    ops.page.keyboard.press("Enter")
    expect(ops.page.get_by_role("link", name=first)).to_be_visible()
    expect(ops.page.get_by_role("link", name=second)).to_be_visible()
    ops.open(f"/search?q={first}")
    expect(ops.drawer()).to_contain_text(first)

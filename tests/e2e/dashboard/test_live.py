from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.dashboard.jobs import Jobs
from e2e.dashboard.operator import Person

HALF_A_MINUTE = 30_000


def test_a_new_job_appears_by_itself(ops: Person, jobs: Jobs) -> None:
    ops.open("/job-queues/notifications?status=failed")
    job_id = jobs.dead()
    expect(ops.row(job_id)).to_be_visible()


def test_rows_do_not_move_under_the_pointer(ops: Person, jobs: Jobs) -> None:
    jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.page.locator("[data-row]").first.hover()
    job_id = jobs.dead()
    news = ops.page.get_by_role("button", name=re.compile("new: show"))
    expect(news).to_be_visible()
    expect(ops.row(job_id)).to_have_count(0)
    news.click()
    expect(ops.row(job_id)).to_be_visible()


def test_a_pause_is_remembered_and_refresh_still_works(ops: Person, jobs: Jobs) -> None:
    ops.open("/job-queues/notifications?status=failed")
    ops.page.get_by_role("button", name="Live").click()
    ops.open("/job-queues/notifications?status=failed")
    expect(ops.page.get_by_role("button", name="Paused")).to_be_visible()
    job_id = jobs.dead()
    ops.page.wait_for_timeout(3_000)  # longer than a change takes to be seen
    expect(ops.row(job_id)).to_have_count(0)
    ops.page.keyboard.press("r")
    expect(ops.row(job_id)).to_be_visible()


def test_selecting_rests_the_refresh(ops: Person, jobs: Jobs) -> None:
    first = jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.row(first).get_by_role("checkbox").check()
    expect(ops.page.get_by_role("button", name="Paused while selecting")).to_be_visible()
    second = jobs.dead()
    ops.page.wait_for_timeout(3_000)  # longer than a change takes to be seen
    expect(ops.row(second)).to_have_count(0)
    ops.page.get_by_role("button", name="Clear").click()
    expect(ops.row(second)).to_be_visible()


def test_a_lost_connection_is_told_with_the_age_of_the_data(ops: Person) -> None:
    ops.open("/job-queues")
    ops.expected += ["ERR_INTERNET_DISCONNECTED", "net::ERR"]
    ops.page.context.set_offline(True)
    banner = ops.page.locator("#lost")
    expect(banner).to_contain_text(re.compile(r"What you see is \d+ s old"), timeout=HALF_A_MINUTE)
    ops.page.context.set_offline(False)
    expect(banner).not_to_be_visible(timeout=HALF_A_MINUTE)

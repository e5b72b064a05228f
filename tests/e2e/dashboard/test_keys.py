from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.dashboard.jobs import Jobs, unique
from e2e.dashboard.operator import Person

FAILED = "/job-queues/notifications?status=failed"


def test_every_key_that_the_list_names_does_what_it_says(ops: Person, jobs: Jobs) -> None:
    older, newer = jobs.dead(), jobs.dead()
    ops.open(FAILED)
    press = ops.page.keyboard.press
    press("?")
    keys = ops.dialog().locator("kbd").all_inner_texts()
    assert keys == ["/", "j", "k", "Enter", "x", "r", "p", "Esc", "?"]
    press("Escape")
    expect(ops.dialog()).to_have_count(0)
    press("p")
    expect(ops.page.get_by_role("button", name="Paused", exact=True)).to_be_visible()
    press("j")
    press("j")
    expect(ops.row(older).get_by_role("link")).to_be_focused()
    press("k")
    expect(ops.row(newer).get_by_role("link")).to_be_focused()
    press("x")
    expect(ops.row(newer).get_by_role("checkbox")).to_be_checked()
    expect(ops.page.locator("[data-count]")).to_have_text("1 selected")
    press("x")
    expect(ops.page.locator("[data-bulk]")).not_to_be_visible()
    arrived = jobs.dead()
    press("r")
    expect(ops.row(arrived)).to_be_visible()
    press("p")
    expect(ops.page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    press("/")
    expect(ops.page.get_by_label("Find a job by id")).to_be_focused()


def test_what_is_typed_into_a_field_is_no_command(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open(f"/job-queues/notifications/{job_id}?status=failed")
    ops.drawer().get_by_role("link", name="Retry…", exact=True).click()
    expect(ops.dialog().get_by_label("Reason")).to_be_focused()
    ops.page.keyboard.type("jkxrp/?")
    expect(ops.dialog().get_by_label("Reason")).to_have_value("jkxrp/?")
    ops.page.keyboard.press("Escape")
    expect(ops.dialog()).to_have_count(0)
    expect(ops.drawer()).to_contain_text(job_id)  # the first Escape was for the dialog alone


def test_back_and_forward_go_through_lists_and_jobs(ops: Person, jobs: Jobs) -> None:
    older, newer = jobs.dead(), jobs.dead()
    ops.open(FAILED)
    ops.row(newer).get_by_role("link").click()
    expect(ops.page.locator("#drawer-title")).to_have_text(newer)
    ops.page.keyboard.press("j")
    expect(ops.page.locator("#drawer-title")).to_have_text(older)
    ops.page.go_back()
    expect(ops.page.locator("#drawer-title")).to_have_text(newer)
    ops.page.go_back()
    expect(ops.drawer()).to_have_count(0)
    expect(ops.page).to_have_url(re.compile(r"\?status=failed$"))
    ops.page.go_forward()
    expect(ops.page.locator("#drawer-title")).to_have_text(newer)


def test_a_job_that_vanished_before_the_click_is_told_gone(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead(job_id=unique("vanishing"))
    ops.expects(404)
    ops.open(FAILED)
    ops.page.keyboard.press("p")
    jobs.client.post(f"/jobs/queues/notifications/{job_id}/remove", json={}).raise_for_status()
    ops.row(job_id).get_by_role("link").click()
    expect(ops.page.get_by_role("heading", name="This job is gone")).to_be_visible()
    ops.page.go_back()
    expect(ops.page.get_by_role("heading", name="Notifications Queue")).to_be_visible()
    expect(ops.row(job_id)).to_have_count(0)

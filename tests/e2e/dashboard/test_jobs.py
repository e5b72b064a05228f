from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.dashboard.jobs import Jobs, unique
from e2e.dashboard.operator import Person

BIG = 123456789012345678901234567890


def test_the_drawer_opens_over_the_list_and_the_back_button_closes_it(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.row(job_id).get_by_role("link").click()
    expect(ops.drawer()).to_be_visible()
    expect(ops.page).to_have_url(re.compile(f"/job-queues/notifications/{job_id}"))
    expect(ops.page.locator("#drawer-title")).to_be_focused()
    expect(ops.row(job_id)).to_have_count(1)
    ops.page.go_back()
    expect(ops.drawer()).to_have_count(0)
    expect(ops.row(job_id).get_by_role("link")).to_be_focused()


def test_j_and_k_walk_through_the_list_and_escape_closes(ops: Person, jobs: Jobs) -> None:
    older, newer = jobs.dead(), jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.page.keyboard.press("j")
    ops.page.keyboard.press("Enter")
    expect(ops.drawer()).to_contain_text(newer)
    ops.page.keyboard.press("j")
    expect(ops.page.locator("#drawer-title")).to_have_text(older)
    ops.page.keyboard.press("k")
    expect(ops.page.locator("#drawer-title")).to_have_text(newer)
    ops.page.keyboard.press("Escape")
    expect(ops.drawer()).to_have_count(0)
    ops.page.keyboard.press("?")
    expect(ops.dialog()).to_contain_text("Next and previous job")


def test_a_job_shows_its_history_error_stack_and_exact_numbers(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead(metadata={"big": BIG, "nested": {"deep": {"deeper": [1, 2, 3]}}})
    ops.open(f"/job-queues/notifications/{job_id}")
    drawer = ops.drawer()
    expect(drawer).to_contain_text("Why it failed")
    expect(drawer.locator(".timeline")).to_contain_text("Enqueued")
    expect(drawer.locator(".timeline")).to_contain_text("Delivery 1 started")
    expect(drawer.locator(".stack").first).to_contain_text("Traceback")
    drawer.locator("summary", has_text="metadata").click()
    expect(drawer.locator(".tree").first).to_contain_text(str(BIG))
    drawer.locator("summary", has_text="nested").click()
    drawer.locator("summary", has_text="deep").first.click()
    drawer.locator("summary", has_text="deeper").click()
    expect(drawer.locator(".value", has_text=re.compile("^3$"))).to_be_visible()


def test_a_large_payload_is_opened_part_by_part(ops: Person, jobs: Jobs) -> None:
    many = {f"key-{n:04}": "x" * 400 for n in range(550)}
    job_id = jobs.dead(metadata=many)
    ops.open(f"/job-queues/notifications/{job_id}")
    ops.drawer().locator("summary", has_text="metadata").click()
    expect(ops.drawer().locator(".key", has_text="key-0000")).to_be_visible()
    ops.drawer().get_by_role("link", name=re.compile("Show more")).click()
    expect(ops.drawer().locator(".key", has_text="key-0150")).to_be_visible()


def test_a_delayed_job_says_why_it_is_not_running(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.delayed()
    explanation = jobs.get("tickets", job_id)["explanation"]
    ops.open(f"/job-queues/tickets/{job_id}")
    expect(ops.drawer()).to_contain_text("Why is this job not running?")
    expect(ops.drawer()).to_contain_text(explanation[:20])


def test_a_job_leads_to_those_it_enqueued_and_back(ops: Person, jobs: Jobs) -> None:
    data = {"ticketId": unique("t"), "propertyId": "p", "createdById": "user-tom", "landlordId": "landlord-hillside"}
    parent = jobs.enqueue("tickets", "ticket.created", data)
    ops.open(f"/job-queues/tickets/{parent}")
    ops.page.wait_for_function("document.querySelectorAll('.related a').length > 0")
    ops.page.locator(".related a").first.click()
    expect(ops.drawer().locator(".related")).to_contain_text(f"enqueued by {parent}")


def test_the_id_is_copied(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.delayed()
    ops.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ops.open(f"/job-queues/tickets/{job_id}")
    ops.page.get_by_role("button", name="Copy id").click()
    assert ops.page.evaluate("navigator.clipboard.readText()") == job_id

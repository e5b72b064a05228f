"""When what stands behind the dashboard is away."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from e2e.dashboard.jobs import Jobs
from e2e.dashboard.operator import a_person, session_of
from fixtures.stack import RunningStack

HALF_A_MINUTE = 30_000


def test_a_store_or_an_audit_log_that_is_away_is_told_and_comes_back(browser: Browser, own_stack: RunningStack) -> None:
    with own_stack.client() as client, own_stack.client("service@local") as backend:
        job_id = Jobs(own_stack, client, backend).dead()
    cookies = session_of(browser, own_stack, "ops@local")
    with a_person(browser, own_stack, cookies=cookies) as person:
        person.expects(503)
        own_stack.stop("audit")
        person.open(f"/job-queues/notifications/{job_id}")
        expect(person.drawer()).to_contain_text("The audit log cannot be asked right now.")
        person.open("/job-queues")
        expect(person.page.locator(".health")).to_contain_text("Audit log cannot be reached", timeout=HALF_A_MINUTE)
        person.open("/audit")
        expect(person.page.get_by_role("heading", name="The audit log cannot be reached")).to_be_visible()
        own_stack.stop("valkey")
        person.open("/job-queues/notifications")
        expect(person.page.get_by_role("heading", name="The job store cannot be reached")).to_be_visible()
        expect(person.page.get_by_text("Jobs that were accepted are safe")).to_be_visible()
        expect(person.page.get_by_text("This page tries again by itself.")).to_be_visible()
        own_stack.start("valkey")
        expect(person.page.get_by_role("heading", name="Notifications Queue")).to_be_visible(timeout=HALF_A_MINUTE)

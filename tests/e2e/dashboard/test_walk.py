"""The way of a person who never saw the dashboard, by what they can read on it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.dashboard.jobs import Jobs, unique
from e2e.dashboard.operator import Person
from fixtures.stack import RunningStack


def test_from_the_login_page_to_the_audit_record_of_a_repair(stranger: Person, stack: RunningStack, jobs: Jobs) -> None:
    person, recipient = stranger, unique("nina")
    broken = [jobs.dead(recipient=recipient) for _ in range(2)]

    person.open("/job-queues")
    person.sign_in("ops@local", stack.stack.credentials.passwords()["ops@local"])
    expect(person.page.get_by_role("heading", name="Action required")).to_be_visible()
    person.page.get_by_role("link", name=re.compile("notifications failed")).click()

    # Why do notifications fail?
    person.page.locator(".group", has_text="the platform has no user nina").click()
    person.row(broken[0]).get_by_role("link").click()
    expect(person.drawer()).to_contain_text(f"the platform has no user {recipient}")
    person.page.get_by_role("link", name="Close this job").click()

    jobs.add_user(recipient)  # somebody repairs the cause

    for job_id in broken:
        person.row(job_id).get_by_role("checkbox").check()
    person.page.locator("[data-bulk]").get_by_role("button", name="Retry…").click()
    person.dialog().get_by_label("Reason").fill("Nina was added to the platform")
    person.dialog().get_by_role("button", name="Retry 2 jobs").click()
    expect(person.toast()).to_contain_text("2 jobs retried")

    person.page.get_by_role("link", name=re.compile("^Completed")).click()
    for job_id in broken:
        expect(person.row(job_id)).to_be_visible()

    person.page.get_by_role("link", name="Audit", exact=True).click()
    for job_id in broken:
        jobs.audited(job_id, "retry")
    person.page.reload()
    for job_id in broken:
        record = person.page.locator("tbody tr", has_text=job_id)
        expect(record).to_contain_text("ops")
        expect(record).to_contain_text("retry")
        expect(record).to_contain_text("Nina was added to the platform")

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from e2e.dashboard.conftest import Cookies
from e2e.dashboard.jobs import Jobs, schedule_path, unique
from e2e.dashboard.operator import Person, a_person
from fixtures.stack import RunningStack
from support.waiting import wait_until

DATA = {"type": "email", "recipientId": "nobody-at-all", "message": "of {date}"}


@pytest.fixture
def schedule(jobs: Jobs) -> Iterator[str]:
    schedule_id = jobs.schedule()
    yield schedule_id
    jobs.client.post(f"{schedule_path(schedule_id)}/remove", json={})


def row(person: Person, schedule_id: str) -> Locator:
    return person.page.locator(f'[data-key$="-{schedule_id}"]')


def field(person: Person, name: str) -> Locator:
    return person.page.locator(f'main [name="{name}"]')


def fill(person: Person, schedule_id: str) -> None:
    """A new schedule's form, but for when it runs."""
    field(person, "id").fill(schedule_id)
    field(person, "type").select_option("notifications/send-notification")
    field(person, "data").fill('{"type": "email", "recipientId": "nobody-at-all", "message": "x"}')


def test_the_escalation_comes_with_its_job_type_and_ops_may_look(ops: Person) -> None:
    ops.open("/job-queues")
    ops.page.get_by_role("link", name="Schedules").click()
    expect(row(ops, "ticket-escalate")).to_contain_text("At 06:00 every day (UTC)")
    expect(row(ops, "ticket-escalate")).to_contain_text("on time")
    expect(ops.page.get_by_role("link", name="New schedule")).to_have_count(0)
    ops.page.get_by_role("link", name="ticket-escalate", exact=True).click()
    expect(ops.page.get_by_role("heading", name="ticket-escalate")).to_be_visible()
    expect(ops.page.locator("ol li")).to_have_count(5)
    expect(ops.page.locator("ol li").first).to_contain_text(re.compile(r"06:00 UTC"))
    expect(ops.page.get_by_role("link", name="Change…")).to_have_count(0)


def test_ops_is_refused_what_admin_may_do(ops: Person, schedule: str) -> None:
    ops.expects(403)
    for page in (
        "/schedules/new",
        f"/schedules/notifications/{schedule}/edit",
        f"/schedules/notifications/{schedule}/remove",
    ):
        ops.open(page)
        expect(ops.page.get_by_role("heading", name="Not for your role")).to_be_visible()


def test_admin_makes_a_schedule_with_a_preview_and_mistakes_are_told(admin: Person, jobs: Jobs) -> None:
    admin.expects(422)
    schedule_id = unique("made")
    admin.open("/schedules")
    admin.page.get_by_role("link", name="New schedule").click()
    fill(admin, schedule_id)
    field(admin, "cron").fill("0 25 * * *")
    admin.page.get_by_role("button", name="Save").click()
    expect(admin.page.get_by_role("alert")).to_contain_text("bad hour")
    expect(field(admin, "cron")).to_have_attribute("aria-invalid", "true")

    field(admin, "cron").fill("30 7 * * 1-5")
    field(admin, "timeZone").fill("Europe/Berlin")
    admin.page.get_by_role("button", name="Preview").click()
    preview = admin.page.locator("main .note")
    expect(preview).to_contain_text("At 07:30 on Monday through Friday (Europe/Berlin)")
    expect(preview.locator("li")).to_have_count(5)
    assert jobs.client.get(schedule_path(schedule_id)).status_code == 404

    admin.page.get_by_label("Reason").fill("for the office")
    admin.page.get_by_role("button", name="Save").click()
    expect(admin.toast()).to_contain_text("was made")
    found = jobs.client.get(schedule_path(schedule_id)).json()
    assert (found["cron"], found["timeZone"], found["createdBy"]) == ("30 7 * * 1-5", "Europe/Berlin", "admin")
    jobs.client.post(f"{schedule_path(schedule_id)}/remove", json={}).raise_for_status()


def test_admin_changes_pauses_resumes_and_removes_a_schedule(admin: Person, jobs: Jobs, schedule: str) -> None:
    admin.open(f"/schedules/notifications/{schedule}")
    admin.page.get_by_role("link", name="Change…").click()
    expect(field(admin, "cron")).to_have_value("0 3 29 2 *")
    field(admin, "cron").fill("")
    field(admin, "every").fill("90")
    field(admin, "unit").select_option("days")
    admin.page.locator("summary", has_text="Options").click()
    field(admin, "attempts").fill("7")
    admin.page.get_by_role("button", name="Save").click()
    expect(admin.toast()).to_contain_text("was changed")
    expect(admin.page.get_by_text("Every 90 days")).to_be_visible()
    assert jobs.client.get(schedule_path(schedule)).json()["opts"] == {"attempts": 7}

    for action, word in (("Pause", "is paused"), ("Resume", "makes jobs again")):
        admin.page.get_by_role("link", name=f"{action}…").click()
        admin.dialog().get_by_label("Reason").fill("a holiday")
        admin.dialog().get_by_role("button", name=action).click()
        expect(admin.toast()).to_contain_text(word)
        if action == "Pause":
            expect(admin.page.get_by_text("a holiday")).to_be_visible()
    admin.page.get_by_role("link", name="Remove…").click()
    admin.dialog().get_by_role("button", name="Remove").click()
    expect(admin.toast()).to_contain_text("was removed")
    expect(row(admin, schedule)).to_have_count(0)
    assert jobs.client.get(schedule_path(schedule)).status_code == 404


def test_a_change_over_somebody_elses_is_refused(admin: Person, jobs: Jobs, schedule: str) -> None:
    admin.expects(422)
    admin.open(f"/schedules/notifications/{schedule}/edit")
    body = {"name": "send-notification", "data": DATA, "cron": "0 4 29 2 *"}
    jobs.client.put(schedule_path(schedule), json=body).raise_for_status()

    field(admin, "cron").fill("0 5 29 2 *")
    admin.page.get_by_role("button", name="Save").click()

    expect(admin.page.get_by_role("alert")).to_contain_text("was changed meanwhile")
    assert jobs.client.get(schedule_path(schedule)).json()["cron"] == "0 4 29 2 *"


def test_a_run_by_hand_leads_to_its_job_by_keyboard_alone(ops: Person, jobs: Jobs, schedule: str) -> None:
    ops.open("/schedules")
    row(ops, schedule).get_by_role("link", name="Run now").focus()
    ops.page.keyboard.press("Enter")
    expect(ops.dialog().get_by_label("Reason")).to_be_focused()
    ops.page.keyboard.type("to see it run")
    ops.page.keyboard.press("Tab")
    ops.page.keyboard.press("Tab")
    ops.page.keyboard.press("Enter")

    expect(ops.toast()).to_contain_text("made this job")
    expect(ops.drawer()).to_contain_text(f"{schedule}:by-hand-")
    job_id = jobs.client.get(schedule_path(schedule)).json()["lastRun"]["jobId"]
    assert jobs.audited(job_id, "schedule_run")["reason"] == "to see it run"
    wait_until(lambda: jobs.status("notifications", job_id) == "failed", within=15)  # nobody has no address
    ops.open("/schedules")
    row(ops, schedule).get_by_role("link", name="the job it made").click()
    expect(ops.drawer()).to_contain_text(job_id)


def test_it_all_works_without_javascript(
    browser: Browser, stack: RunningStack, sessions: dict[str, Cookies], jobs: Jobs
) -> None:
    schedule_id = unique("plain")
    with a_person(browser, stack, javascript=False, cookies=sessions["admin@local"]) as plain:
        plain.open("/schedules/new")
        fill(plain, schedule_id)
        field(plain, "every").fill("1")
        field(plain, "unit").select_option("days")
        plain.page.get_by_label("Reason").press("Tab")
        plain.page.keyboard.press("Enter")  # the first button of the form: nothing is saved by accident
        expect(plain.page.get_by_text("Nothing was saved yet.")).to_be_visible()
        plain.page.get_by_role("button", name="Save").click()
        expect(plain.toast()).to_contain_text("was made")
        plain.page.get_by_role("link", name="Pause…").click()
        plain.page.get_by_role("button", name="Pause").click()
        expect(plain.toast()).to_contain_text("is paused")
        plain.page.get_by_role("link", name="Remove…").click()
        plain.page.get_by_role("button", name="Remove").click()
        expect(plain.toast()).to_contain_text("was removed")
    assert jobs.client.get(schedule_path(schedule_id)).status_code == 404

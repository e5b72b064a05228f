from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from e2e.dashboard.conftest import Cookies
from e2e.dashboard.jobs import Jobs, unique
from e2e.dashboard.operator import Person, a_person
from fixtures.stack import RunningStack
from support.waiting import wait_until


def act(person: Person, link: str, button: str, reason: str = "") -> None:
    """Open an action's dialog, give the reason and confirm."""
    person.drawer().get_by_role("link", name=link, exact=True).click()
    if reason:
        person.dialog().get_by_label("Reason").fill(reason)
    person.dialog().get_by_role("button", name=button, exact=True).click()


def test_a_retry_with_its_reason_is_told_done_and_recorded(ops: Person, jobs: Jobs) -> None:
    recipient = unique("nina")
    job_id = jobs.dead(recipient=recipient)
    jobs.add_user(recipient)
    ops.open(f"/job-queues/notifications/{job_id}")
    act(ops, "Retry…", "Retry", "she exists now")
    expect(ops.toast()).to_contain_text(f"{job_id} was retried")
    record = jobs.audited(job_id, "retry")
    assert (record["reason"], record["actorUserId"]) == ("she exists now", "ops")
    wait_until(lambda: jobs.status("notifications", job_id) == "completed", within=10)
    expect(ops.drawer()).to_contain_text("completed")  # without a reload


def test_a_cancelled_dialog_does_nothing(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open(f"/job-queues/notifications/{job_id}")
    ops.drawer().get_by_role("link", name="Remove…").click()
    expect(ops.dialog()).to_contain_text("This cannot be undone")
    ops.dialog().get_by_role("link", name="Cancel").click()
    expect(ops.dialog()).to_have_count(0)
    assert jobs.status("notifications", job_id) == "failed"


def test_a_removed_job_is_gone_and_its_list_shown(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open(f"/job-queues/notifications/{job_id}")
    act(ops, "Remove…", "Remove", "a test")
    expect(ops.toast()).to_contain_text(f"{job_id} was removed")
    expect(ops.row(job_id)).to_have_count(0)
    assert jobs.status("notifications", job_id) == "gone"
    assert jobs.audited(job_id, "remove")["reason"] == "a test"


def test_a_delayed_job_is_cancelled(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.delayed()
    ops.open(f"/job-queues/tickets/{job_id}")
    act(ops, "Cancel job…", "Cancel job", "not needed")
    expect(ops.toast()).to_contain_text("was cancelled")
    expect(ops.drawer()).to_contain_text("not needed")
    assert jobs.get("tickets", job_id)["cancelled"] is True
    assert jobs.audited(job_id, "cancel")["reason"] == "not needed"


def test_a_delayed_job_runs_now(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.delayed()
    ops.open(f"/job-queues/tickets/{job_id}")
    act(ops, "Run now…", "Run now", "today is fine")
    wait_until(lambda: jobs.status("tickets", job_id) == "completed", within=10)
    assert jobs.audited(job_id, "reschedule")["reason"] == "today is fine"


def test_a_delayed_job_gets_another_time(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.delayed()
    ops.open(f"/job-queues/tickets/{job_id}")
    ops.drawer().get_by_role("link", name="Reschedule…").click()
    ops.dialog().get_by_label("Due (UTC)").fill("2031-05-06T07:08")
    ops.dialog().get_by_role("button", name="Reschedule").click()
    expect(ops.toast()).to_contain_text("was rescheduled")
    expect(ops.drawer()).to_contain_text("2031-05-06 07:08:00.000 UTC")
    assert jobs.audited(job_id, "reschedule")["actorUserId"] == "ops"


def test_edited_data_is_checked_and_both_are_kept(ops: Person, jobs: Jobs) -> None:
    recipient = unique("nina")
    jobs.add_user(recipient)
    job_id = jobs.dead(recipient="nobody-at-all")
    ops.expects(422)
    ops.open(f"/job-queues/notifications/{job_id}")
    ops.drawer().get_by_role("link", name="Edit and retry…").click()
    editor = ops.dialog().get_by_label("Data (JSON)")
    editor.fill("{ no json")
    expect(ops.dialog()).to_contain_text("This is no JSON")
    editor.fill('{"type": "pigeon", "recipientId": "x", "message": "m"}')
    ops.dialog().get_by_role("button", name="Retry with this data").click()
    expect(ops.page.get_by_role("alert")).to_contain_text("data.type")
    good = f'{{"type": "email", "recipientId": "{recipient}", "message": "m"}}'
    ops.page.get_by_label("Data (JSON)").fill(good)
    ops.page.get_by_label("Reason").fill("the wrong person")
    ops.page.get_by_role("button", name="Retry with this data").click()
    expect(ops.toast()).to_contain_text("was retried")
    wait_until(lambda: jobs.status("notifications", job_id) == "completed", within=10)
    detail = str(jobs.audited(job_id, "retry")["detail"])
    assert "nobody-at-all" in detail
    assert recipient in detail


def test_a_selection_is_retried_after_a_dry_run(ops: Person, jobs: Jobs) -> None:
    mine = [jobs.dead() for _ in range(3)]
    ops.open("/job-queues/notifications?status=failed")
    ops.row(mine[2]).get_by_role("checkbox").check()
    ops.row(mine[0]).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(ops.page.locator("[data-count]")).to_have_text("3 selected")
    ops.page.locator("[data-bulk]").get_by_role("button", name="Retry…").click()
    expect(ops.dialog()).to_contain_text("3 jobs")
    ops.dialog().get_by_label("Reason").fill("all three")
    ops.dialog().get_by_role("button", name="Retry 3 jobs").click()
    expect(ops.toast()).to_contain_text("3 jobs retried")
    for job_id in mine:
        assert jobs.audited(job_id, "retry")["reason"] == "all three"
    expect(ops.page.locator("[data-bulk]")).not_to_be_visible()


def test_a_selection_is_remembered_over_pages(ops: Person, jobs: Jobs) -> None:
    for _ in range(11):
        jobs.delayed()
    ops.open("/job-queues/tickets?status=delayed&pageSize=10")
    ops.page.get_by_role("checkbox", name="Select all on this page").check()
    ops.page.get_by_role("link", name="Next").click()
    expect(ops.page.locator('.pager [aria-current="page"]')).to_have_text("2")
    ops.page.locator("[data-row] input").first.check()
    expect(ops.page.locator("[data-count]")).to_have_text("11 selected")
    ops.page.get_by_role("button", name="Clear").click()
    expect(ops.page.locator("[data-bulk]")).not_to_be_visible()


def test_everything_in_a_group_is_removed_by_its_filter(ops: Person, jobs: Jobs) -> None:
    mine = [jobs.dead(recipient="user-cora") for _ in range(2)]
    other = jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.page.locator(".group", has_text="refused the recipient").click()
    expect(ops.row(other)).to_have_count(0)
    ops.row(mine[0]).get_by_role("checkbox").check()
    ops.page.get_by_role("checkbox", name=re.compile("of this group")).check()
    ops.page.locator("[data-bulk]").get_by_role("button", name="Remove…").click()
    expect(ops.dialog()).to_contain_text("in this group")
    ops.dialog().get_by_label("Reason").fill("cleaning up")
    ops.dialog().get_by_role("button", name=re.compile("^Remove")).click()
    expect(ops.toast()).to_contain_text("removed")
    assert [jobs.status("notifications", job_id) for job_id in [*mine, other]] == ["gone", "gone", "failed"]
    assert [jobs.audited(job_id, "remove")["reason"] for job_id in mine] == ["cleaning up"] * 2


def test_delayed_jobs_are_cancelled_together(ops: Person, jobs: Jobs) -> None:
    mine = [jobs.delayed(), jobs.delayed()]
    ops.open("/job-queues/tickets?status=delayed&pageSize=100")
    for job_id in mine:
        ops.row(job_id).get_by_role("checkbox").check()
    ops.page.locator("[data-bulk]").get_by_role("button", name="Cancel…").click()
    ops.dialog().get_by_label("Reason").fill("both")
    ops.dialog().get_by_role("button", name="Cancel 2 jobs").click()
    expect(ops.toast()).to_contain_text("2 jobs cancelled")
    assert [jobs.audited(job_id, "cancel")["reason"] for job_id in mine] == ["both"] * 2


def test_all_delayed_jobs_are_cancelled_after_a_dry_run(ops: Person, jobs: Jobs) -> None:
    mine = [jobs.delayed() for _ in range(12)]
    ops.open("/job-queues/tickets?status=delayed&pageSize=10")
    ops.page.locator("[data-row]").first.get_by_role("checkbox").check()
    ops.page.get_by_role("checkbox", name=re.compile(r"All [\d,]+ delayed jobs")).check()
    ops.page.locator("[data-bulk]").get_by_role("button", name="Cancel…").click()
    expect(ops.dialog()).to_contain_text("all that are delayed as of now")
    later = jobs.delayed()
    button = ops.dialog().get_by_role("button", name=re.compile(r"^Cancel \d+ jobs$"))
    amount = int(button.inner_text().split()[1])
    assert amount >= len(mine)
    ops.dialog().get_by_label("Reason").fill("none of them is wanted")
    button.click()
    expect(ops.toast()).to_contain_text(f"{amount} jobs cancelled")
    assert {jobs.get("tickets", job_id)["failedReason"] for job_id in mine} == {"none of them is wanted"}
    assert jobs.audited(mine[-1], "cancel")["reason"] == "none of them is wanted"
    assert jobs.status("tickets", later) == "delayed"  # it came after the question


def test_a_double_click_acts_once(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open(f"/job-queues/notifications/{job_id}")
    ops.drawer().get_by_role("link", name="Retry…", exact=True).click()
    ops.dialog().get_by_role("button", name="Retry", exact=True).dblclick()
    expect(ops.toast()).to_contain_text("was retried")
    wait_until(lambda: len(jobs.get("notifications", job_id)["attempts"]) == 2, within=10)
    jobs.audited(job_id, "retry")


def test_of_two_operators_the_slower_is_told_so(
    browser: Browser, stack: RunningStack, sessions: dict[str, Cookies], ops: Person, jobs: Jobs
) -> None:
    job_id = jobs.dead()
    with a_person(browser, stack, cookies=sessions["admin@local"]) as other:
        for person in (ops, other):
            person.open(f"/job-queues/notifications/{job_id}")
            person.drawer().get_by_role("link", name="Remove…").click()
            expect(person.dialog()).to_be_visible()
        for person in (ops, other):
            person.dialog().get_by_role("button", name="Remove", exact=True).click()
            expect(person.toast()).to_be_visible()
        expect(ops.toast()).to_contain_text("was removed")
        other.expects(404)
        expect(other.toast()).to_contain_text("is gone")
    assert len(jobs.audit(job_id)) <= 1


def test_of_two_who_retry_a_job_one_does_and_the_other_is_told(
    browser: Browser, stack: RunningStack, sessions: dict[str, Cookies], ops: Person, jobs: Jobs
) -> None:
    recipient = unique("nina")
    job_id = jobs.dead(recipient=recipient)
    jobs.add_user(recipient)
    with a_person(browser, stack, cookies=sessions["admin@local"]) as other:
        for person in (ops, other):
            person.open(f"/job-queues/notifications/{job_id}")
            person.drawer().get_by_role("link", name="Retry…", exact=True).click()
            expect(person.dialog()).to_be_visible()
        ops.dialog().get_by_role("button", name="Retry", exact=True).click()
        expect(ops.toast()).to_contain_text("was retried")
        wait_until(lambda: jobs.status("notifications", job_id) == "completed", within=15)
        other.dialog().get_by_role("button", name="Retry", exact=True).click()
        expect(other.toast()).to_contain_text("Somebody may have been faster.")
        expect(other.drawer()).to_contain_text("completed")
    assert jobs.audited(job_id, "retry")["actorUserId"] == "ops"
    assert len(jobs.get("notifications", job_id)["attempts"]) == 2

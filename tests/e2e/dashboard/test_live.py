from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from e2e.dashboard.conftest import Cookies
from e2e.dashboard.jobs import Jobs
from e2e.dashboard.operator import Person, a_person
from fixtures.stack import RunningStack

HALF_A_MINUTE = 30_000


def test_a_new_job_appears_by_itself(ops: Person, jobs: Jobs) -> None:
    ops.open("/job-queues/notifications?status=failed")
    job_id = jobs.dead()
    expect(ops.row(job_id)).to_be_visible()


def test_rows_do_not_move_under_the_pointer(ops: Person, jobs: Jobs) -> None:
    jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.page.locator("[data-row]").first.hover()
    arrived = [jobs.dead(), jobs.dead()]
    news = ops.page.get_by_role("button", name="2 new: show")
    expect(news).to_be_visible()
    for job_id in arrived:
        expect(ops.row(job_id)).to_have_count(0)
    news.click()
    for job_id in arrived:
        expect(ops.row(job_id)).to_be_visible()
    expect(news).not_to_be_visible()


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


def test_a_refresh_takes_no_click_away(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead()
    ops.open("/job-queues/notifications?status=failed")
    ops.row(job_id).get_by_role("link").evaluate(
        "link => { link.click(); document.querySelector('a[data-refresh]').click(); }"
    )
    expect(ops.drawer()).to_contain_text(job_id)


def test_a_lost_connection_is_told_with_the_age_of_the_data(ops: Person) -> None:
    ops.open("/job-queues")
    ops.expected += ["ERR_INTERNET_DISCONNECTED", "net::ERR"]
    ops.page.context.set_offline(True)
    banner = ops.page.locator("#lost")
    expect(banner).to_contain_text(re.compile(r"What you see is \d+ s old"), timeout=HALF_A_MINUTE)
    ops.page.context.set_offline(False)
    expect(banner).not_to_be_visible(timeout=HALF_A_MINUTE)


SEE = """(state) => {
  Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_tab_asks_for_nothing_and_is_up_to_date_once_it_is_seen(ops: Person, jobs: Jobs) -> None:
    ops.open("/job-queues/notifications?status=failed")
    ops.page.wait_for_load_state("load")
    ops.page.evaluate(SEE, "hidden")
    asked: list[str] = []
    ops.page.on("request", lambda request: asked.append(request.url))
    job_id = jobs.dead()
    ops.page.wait_for_timeout(6_000)  # longer than the page waits for its next refresh
    assert asked == []
    ops.page.evaluate(SEE, "visible")
    expect(ops.row(job_id)).to_be_visible()


def test_without_a_stream_the_page_polls(ops: Person, jobs: Jobs) -> None:
    ops.expected += ["ERR_FAILED"]
    ops.page.route(re.compile("~live"), lambda route: route.abort())
    ops.open("/job-queues/notifications?status=failed")
    job_id = jobs.dead()
    expect(ops.row(job_id)).to_be_visible(timeout=HALF_A_MINUTE)


def test_a_page_whose_session_ended_finds_out_by_itself(
    browser: Browser, stack: RunningStack, sessions: dict[str, Cookies]
) -> None:
    with a_person(browser, stack, cookies=sessions["ops@local"]) as person:
        person.open("/job-queues/tickets?status=delayed")
        person.page.context.clear_cookies()
        expect(person.page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=HALF_A_MINUTE)
        person.sign_in("ops@local", stack.stack.credentials.passwords()["ops@local"])
        expect(person.page).to_have_url(f"{stack.url}/job-queues/tickets?status=delayed")

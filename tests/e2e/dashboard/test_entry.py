from __future__ import annotations

import re

import httpx
from playwright.sync_api import Browser, expect

from e2e.dashboard.conftest import Cookies
from e2e.dashboard.jobs import Jobs
from e2e.dashboard.operator import Person, a_person
from fixtures.stack import RunningStack


def password(stack: RunningStack, email: str) -> str:
    return stack.stack.credentials.passwords()[email]


def test_signing_in_leads_to_the_page_that_was_asked_for(stranger: Person, stack: RunningStack) -> None:
    stranger.open("/job-queues/tickets?status=completed")
    expect(stranger.page).to_have_url(re.compile(r"/login\?next="))
    stranger.sign_in("ops@local", password(stack, "ops@local"))
    expect(stranger.page).to_have_url(f"{stack.url}/job-queues/tickets?status=completed")
    expect(stranger.page.get_by_role("heading", name="Tickets Queue")).to_be_visible()


def test_a_wrong_password_is_told_and_the_email_kept(stranger: Person) -> None:
    stranger.expects(401)
    stranger.open("/login")
    stranger.sign_in("ops@local", "not the password")
    expect(stranger.page.get_by_role("alert")).to_have_text("Email or password is wrong.")
    expect(stranger.page.get_by_label("Email")).to_have_value("ops@local")


def test_another_role_gets_a_clear_page_and_a_way_out(stranger: Person, stack: RunningStack) -> None:
    stranger.expects(403)
    stranger.open("/login")
    stranger.sign_in("tenant@local", password(stack, "tenant@local"))
    expect(stranger.page.get_by_role("heading", name="This dashboard is for operators")).to_be_visible()
    stranger.page.get_by_role("button", name="Sign in as somebody else").click()
    expect(stranger.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_out_ends_the_session_everywhere_it_was_copied_to(
    browser: Browser, stranger: Person, stack: RunningStack
) -> None:
    stranger.open("/login")
    stranger.sign_in("ops@local", password(stack, "ops@local"))
    expect(stranger.page.get_by_role("heading", name="Job Queues")).to_be_visible()
    copied: Cookies = [dict(cookie) for cookie in stranger.page.context.cookies()]
    stranger.page.get_by_text("ops@local").first.click()
    stranger.page.get_by_role("button", name="Sign out").click()
    expect(stranger.toast()).to_contain_text("You are signed out.")
    with a_person(browser, stack, cookies=copied) as thief:
        thief.open("/job-queues")
        expect(thief.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_cookie_cannot_be_read_by_scripts_and_is_no_api_token(ops: Person, sessions: dict[str, Cookies]) -> None:
    cookie = next(cookie for cookie in sessions["ops@local"] if "session" in str(cookie["name"]))
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Lax"
    answer = httpx.get(f"{ops.url}/jobs/queues", headers={"authorization": f"Bearer {cookie['value']}"})
    assert answer.status_code == 401
    assert httpx.get(f"{ops.url}/jobs/queues", cookies={str(cookie["name"]): str(cookie["value"])}).status_code == 401


def test_a_form_that_another_site_sends_does_nothing(sessions: dict[str, Cookies], jobs: Jobs, ops: Person) -> None:
    job_id = jobs.dead()
    cookies = {str(cookie["name"]): str(cookie["value"]) for cookie in sessions["ops@local"]}
    address = f"{ops.url}/job-queues/notifications/~job/remove"
    for header in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        answer = httpx.post(address, data={"id": job_id}, cookies=cookies, headers=header)
        assert answer.status_code == 403
    assert jobs.status("notifications", job_id) == "failed"


def test_an_ended_session_comes_back_to_the_same_place_after_login(
    browser: Browser, stack: RunningStack, sessions: dict[str, Cookies]
) -> None:
    with a_person(browser, stack, cookies=sessions["ops@local"]) as person:
        person.open("/job-queues/notifications?status=failed")
        person.page.context.clear_cookies()
        person.page.reload()  # or the page finds out by itself, with its next refresh
        expect(person.page.get_by_role("heading", name="Sign in")).to_be_visible()
        person.sign_in("ops@local", password(stack, "ops@local"))
        expect(person.page).to_have_url(f"{stack.url}/job-queues/notifications?status=failed")


def test_the_theme_is_chosen_and_remembered(ops: Person) -> None:
    ops.open("/job-queues")
    root = ops.page.locator("html")
    expect(root).to_have_attribute("data-theme", "system")
    ops.page.get_by_text("ops@local").first.click()
    ops.page.get_by_role("button", name="Dark").click()
    expect(root).to_have_attribute("data-theme", "dark")
    ops.open("/workers")
    expect(root).to_have_attribute("data-theme", "dark")
    assert ops.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"


def test_pages_are_not_kept_and_their_files_are_kept_for_good(sessions: dict[str, Cookies], ops: Person) -> None:
    cookies = {str(cookie["name"]): str(cookie["value"]) for cookie in sessions["ops@local"]}
    page = httpx.get(f"{ops.url}/job-queues", cookies=cookies)
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        file = httpx.get(ops.url + address)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
        assert file.headers["content-encoding"] == "gzip"

"""Who may see and do what: every page and every action of the dashboard, for every role and for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import httpx
import pytest
from playwright.sync_api import Browser, expect

from api_gateway.auth.sessions import Sessions
from api_gateway.dashboard.routes import dashboard_routes
from e2e.dashboard.jobs import Jobs
from e2e.dashboard.operator import Person, a_person
from fixtures.stack import RunningStack
from load.pages import a_session

FILLED = {
    "queue": "tickets",
    "action": "retry",
    "name": "ticket.created",
    "worker_id": "nobody",
    "job_id": "no-such-job",
    "schedule_id": "no-such-schedule",
    "rest:path": "a/b/c",
}
ADMIN_ONLY = ("/drain", "/resume", "/enqueue", "/new", "/edit")
OPEN_TO_ALL = ("/login", "/logout", "/theme", "/static", "/favicon.ico")


def closed() -> list[tuple[str, str]]:
    """Method and address of all that is not for everybody; a new page is among them by itself."""
    routes = dashboard_routes(cast("Sessions", None), environment="", page_size=25, idle_seconds=1)
    found = []
    for route in routes:
        if route.path == "/" or route.path.startswith(OPEN_TO_ALL):
            continue
        path = route.path
        for name, value in FILLED.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, path
        found += [(method, path) for method in sorted(route.methods or ()) if method in ("GET", "POST")]
    return found


def ask(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """As a browser does; of what streams, only the beginning."""
    form = {"id": "no-such-job", "ids": "no-such-job", "status": "failed", "reason": "none"}
    with client.stream(method, path, data=form if method == "POST" else None) as answer:
        if "text/event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
        return answer


@pytest.fixture(params=["service@local", "tenant@local"])
def outsider(stack: RunningStack, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with a_session(stack, request.param) as client:
        yield client


def test_other_roles_see_no_page_and_do_nothing(outsider: httpx.Client, jobs: Jobs) -> None:
    job_id = jobs.dead()
    for method, path in closed():
        answer = ask(outsider, method, path)
        assert answer.status_code == 403, (method, path)
        assert "This dashboard is for operators" in answer.text, (method, path)
        assert "main-nav" not in answer.text  # nothing leads to where they may not go
    answer = outsider.post("/job-queues/notifications/~job/remove", data={"id": job_id})
    assert answer.status_code == 403
    assert jobs.status("notifications", job_id) == "failed"


def test_without_a_session_every_page_leads_to_the_login(stack: RunningStack, jobs: Jobs) -> None:
    job_id = jobs.dead()
    with httpx.Client(base_url=stack.url) as nobody:
        for method, path in closed():
            answer = ask(nobody, method, path)
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"].startswith("/login"), (method, path)
        nobody.post("/job-queues/notifications/~job/remove", data={"id": job_id})
    assert jobs.status("notifications", job_id) == "failed"


@pytest.mark.parametrize("email", ["ops@local", "admin@local"])
def test_operators_see_every_page_and_only_admin_what_is_for_admin(stack: RunningStack, email: str) -> None:
    with a_session(stack, email) as client:
        for method, path in closed():
            answer = ask(client, method, path)
            refused = email == "ops@local" and path.endswith(ADMIN_ONLY)
            assert (answer.status_code == 403) == refused, (method, path, answer.status_code)
            assert answer.status_code < 500, (method, path)


def test_actions_are_offered_where_state_and_role_allow_them(ops: Person, admin: Person, jobs: Jobs) -> None:
    offered = {
        f"/job-queues/notifications/{jobs.dead()}": ["Retry…", "Edit and retry…", "Remove…"],
        f"/job-queues/tickets/{jobs.delayed()}": ["Run now…", "Reschedule…", "Cancel job…", "Remove…"],
    }
    for path, links in offered.items():
        for person in (ops, admin):
            person.open(path)
            expect(person.drawer().get_by_role("group", name="Actions").get_by_role("link")).to_have_text(links)
    for path, what in (("/workers", "Draining"), ("/job-types", "Enqueuing")):
        words = f"{what} needs the role ADMIN."
        ops.open(path)
        expect(ops.page.get_by_text(words).first).to_be_visible()
        admin.open(path)
        expect(admin.page.get_by_text(words)).to_have_count(0)


def test_nobody_else_is_led_into_the_dashboard(browser: Browser, stack: RunningStack) -> None:
    with a_person(browser, stack) as person:
        person.expects(403)
        person.open("/login")
        person.sign_in("service@local", stack.stack.credentials.passwords()["service@local"])
        expect(person.page.get_by_role("heading", name="This dashboard is for operators")).to_be_visible()
        expect(person.page.get_by_text("with the role SERVICE")).to_be_visible()
        expect(person.page.get_by_role("navigation")).to_have_count(0)
        expect(person.page.get_by_role("search")).to_have_count(0)

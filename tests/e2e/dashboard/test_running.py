"""Jobs that run: seen with their progress and age, cancelled, and left in peace by a drain."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from e2e.dashboard.jobs import Jobs, unique
from e2e.dashboard.operator import Person
from fixtures.stack import RunningStack
from support.joined_worker import joined_worker, wait_for_type
from support.long_jobs.reports import QUEUE
from support.waiting import wait_until

HALF_A_MINUTE = 30_000
CANCEL_MS = 2_000
BUSY_MS = 3_000  # what a machine that runs other tests too may add


@pytest.fixture(scope="module", autouse=True)
def worker(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with joined_worker(stack, tmp_path_factory.mktemp("reports"), WORKER_THREADS="2"):
        wait_for_type(stack, "report.monthly")
        yield


@pytest.fixture
def running(jobs: Jobs) -> Iterator[str]:
    """A report that takes a minute."""
    job_id = report(jobs)
    wait_until(lambda: jobs.status(QUEUE, job_id) == "active", within=15)
    yield job_id
    jobs.client.post(f"/jobs/queues/{QUEUE}/{job_id}/cancel", json={})
    wait_until(lambda: jobs.status(QUEUE, job_id) != "active", within=15)


def report(jobs: Jobs) -> str:
    return jobs.enqueue(QUEUE, "report.monthly", {"month": unique("m"), "properties": 60, "seconds": 60})


def reasons(jobs: Jobs, *actions: str) -> set[str]:
    """Why somebody did one of these, by the audit records."""
    answers = [jobs.client.get("/jobs/audit", params={"action": action}).json() for action in actions]
    return {record.get("reason") for answer in answers for record in answer["data"]}


def seconds_of(line: Locator) -> float:
    """The age that a line tells."""
    found = re.search(r"for (\d+(?:\.\d)?) (ms|s)\b", line.inner_text())
    assert found, line.inner_text()
    return float(found[1]) / (1_000 if found[2] == "ms" else 1)


def test_a_running_job_is_cancelled_from_the_drawer(ops: Person, jobs: Jobs, running: str) -> None:
    ops.open(f"/job-queues/{QUEUE}/{running}?status=active")
    expect(ops.drawer()).to_contain_text("A running job cannot be retried or removed.")
    expect(ops.drawer().get_by_role("link", name="Remove…")).to_have_count(0)
    ops.drawer().get_by_role("link", name="Cancel job…").click()
    expect(ops.dialog()).to_contain_text("interrupted within about a second")
    ops.dialog().get_by_label("Reason").fill("the wrong month")
    ops.dialog().get_by_role("button", name="Cancel job", exact=True).click()
    expect(ops.toast()).to_contain_text("is being cancelled: its handler is interrupted")
    expect(ops.drawer().locator(".drawer-head")).to_contain_text("cancelled", timeout=HALF_A_MINUTE)  # no reload
    expect(ops.drawer()).to_contain_text("the wrong month")
    record, job = jobs.audited(running, "cancel"), jobs.get(QUEUE, running)
    assert (record["reason"], record["actorUserId"]) == ("the wrong month", "ops")
    assert (job["status"], job["cancelled"]) == ("failed", True)
    asked = jobs.audit(running)[-1]["createdAt"]
    assert job["finishedOn"] - asked < CANCEL_MS + BUSY_MS


def test_progress_and_log_of_a_running_job_grow_without_a_reload(ops: Person, running: str) -> None:
    ops.open(f"/job-queues/{QUEUE}?status=active")
    bar = ops.page.get_by_label(f"Progress of {running}")
    expect(bar).to_be_visible()
    before = int(bar.get_attribute("value") or 0)
    wait_until(lambda: int(bar.get_attribute("value") or 0) > before, within=30)
    ops.row(running).get_by_role("link").click()
    lines = ops.drawer().locator(".log li")
    expect(lines.first).to_contain_text("statement of property")
    before = lines.count()
    wait_until(lambda: lines.count() > before, within=30)


def test_a_worker_shows_what_it_runs_and_for_how_long(ops: Person, running: str) -> None:
    ops.open("/workers")
    card = ops.page.locator(".worker", has_text="report.monthly")
    line = card.locator(".running li", has_text=running)
    expect(line).to_contain_text("report.monthly")
    expect(card).to_contain_text("1 of 2")
    before = seconds_of(line)
    wait_until(lambda: seconds_of(line) > before, within=30)
    line.get_by_role("link").click()
    expect(ops.drawer().locator(".drawer-head")).to_contain_text("running for")


def test_a_drained_worker_finishes_what_it_runs_and_takes_the_rest_when_resumed(
    admin: Person, jobs: Jobs, running: str
) -> None:
    admin.open("/workers")
    card = admin.page.locator(".worker", has_text="report.monthly")
    card.get_by_role("link", name="Drain…").click()
    admin.dialog().get_by_label("Reason").fill("a new version")
    admin.dialog().get_by_role("button", name="Drain").click()
    try:
        expect(card).to_contain_text("draining")
        expect(card.locator(".running li", has_text=running)).to_be_visible()
        later = report(jobs)
        admin.page.wait_for_timeout(2_000)  # longer than an idle worker takes to take a job
        assert jobs.status(QUEUE, later) == "waiting"
        assert jobs.status(QUEUE, running) == "active"
    finally:
        card.get_by_role("link", name="Resume…").click()
        admin.dialog().get_by_label("Reason").fill("it is there")
        admin.dialog().get_by_role("button", name="Resume").click()
    expect(card).to_contain_text("taking jobs")
    wait_until(lambda: jobs.status(QUEUE, later) == "active", within=15)
    jobs.client.post(f"/jobs/queues/{QUEUE}/{later}/cancel", json={}).raise_for_status()
    wait_until(lambda: reasons(jobs, "drain", "resume_worker") >= {"a new version", "it is there"}, within=15)

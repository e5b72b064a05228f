from __future__ import annotations

import csv
import io
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from e2e.dashboard.jobs import FAR_AWAY_MS, Jobs, unique
from e2e.dashboard.operator import Person
from support.waiting import wait_until


def retried(jobs: Jobs, reason: str) -> str:
    job_id = jobs.dead()
    jobs.client.post(f"/jobs/queues/notifications/{job_id}/retry", json={"reason": reason}).raise_for_status()
    jobs.audited(job_id, "retry")
    return job_id


def test_audit_records_are_filtered_and_lead_to_their_job(ops: Person, jobs: Jobs) -> None:
    job_id = retried(jobs, "because")
    ops.open("/audit")
    ops.page.get_by_label("Job id").fill(job_id)
    ops.page.get_by_label("Action").select_option("retry")
    ops.page.get_by_role("button", name="Filter").click()
    expect(ops.page.locator("tbody tr")).to_have_count(1)
    expect(ops.page.locator("tbody tr")).to_contain_text("because")
    request_id = jobs.audited(job_id, "retry")["requestId"]
    ops.page.get_by_text("Detail", exact=True).click()
    ops.page.get_by_role("link", name=request_id).click()
    expect(ops.page.get_by_label("Request id")).to_have_value(request_id)
    ops.page.get_by_role("link", name=job_id).click()
    expect(ops.drawer()).to_contain_text(job_id)
    expect(ops.drawer().locator(".records")).to_contain_text("because")


def test_the_chain_is_verified_and_the_result_stays(ops: Person, jobs: Jobs) -> None:
    retried(jobs, "to verify")
    ops.open("/audit")
    ops.page.get_by_role("button", name="Verify now").click()
    expect(ops.toast()).to_contain_text(re.compile(r"\d records? verified, from the first to the last"))
    newest = jobs.client.get("/jobs/audit", params={"pageSize": 1}).json()["data"][0]["id"]
    verified = re.search(r"up to record ([\d,]+)", ops.page.locator(".verify").inner_text())
    assert verified
    assert int(verified[1].replace(",", "")) in (newest - 1, newest)  # one may have come meanwhile
    ops.open("/audit?actor=nobody")
    expect(ops.page.locator(".verify")).to_contain_text("Intact")
    expect(ops.page.get_by_text("No record matches")).to_be_visible()


def test_exports_hold_the_filtered_records_and_no_formula(ops: Person, jobs: Jobs) -> None:
    job_id = retried(jobs, "=1+1")
    ops.open(f"/audit?jobId={job_id}")
    texts = {}
    for name in ("CSV", "JSON lines"):
        with ops.page.expect_download() as download:
            ops.page.get_by_role("link", name=name).click()
        texts[name] = Path(download.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(texts["CSV"])))
    assert [(row["jobId"], row["reason"]) for row in rows] == [(job_id, "'=1+1")]
    lines = [json.loads(line) for line in texts["JSON lines"].splitlines()]
    assert [(line["jobId"], line["reason"]) for line in lines] == [(job_id, "=1+1")]


def test_only_admin_drains_a_worker(ops: Person, admin: Person, jobs: Jobs) -> None:
    ops.open("/workers")
    expect(ops.page.get_by_text("Draining needs the role ADMIN.").first).to_be_visible()
    expect(ops.page.get_by_role("link", name="Drain…")).to_have_count(0)
    admin.open("/workers")
    card = admin.page.locator(".worker", has_text="send-notification")
    expect(card).to_contain_text("Threads busy")
    card.get_by_role("link", name="Drain…").click()
    admin.dialog().get_by_label("Reason").fill("new version")
    admin.dialog().get_by_role("button", name="Drain").click()
    try:
        expect(admin.toast()).to_contain_text("takes no more jobs")
        expect(card).to_contain_text("draining")
        data = {"type": "email", "recipientId": "user-tom", "message": "hello"}
        later = jobs.enqueue("notifications", "send-notification", data, jobId=unique("later"), delay=FAR_AWAY_MS)
        why = "every worker that can run it is draining"
        wait_until(lambda: why in jobs.get("notifications", later)["explanation"], within=15)
    finally:
        card.get_by_role("link", name="Resume…").click()
        admin.dialog().get_by_role("button", name="Resume").click()
        expect(card).to_contain_text("taking jobs")
    for action, reason in (("drain", "new version"), ("resume_worker", None)):
        record = wait_until(partial(newest, jobs, action), within=15)[0]
        assert (record["actorUserId"], record.get("reason")) == ("admin", reason)


def newest(jobs: Jobs, action: str) -> list[dict[str, Any]]:
    """The newest record of an action, alone in a list, or none."""
    found: list[dict[str, Any]] = jobs.client.get("/jobs/audit", params={"action": action, "pageSize": 1}).json()[
        "data"
    ]
    return found


def test_job_types_are_told_in_words(ops: Person) -> None:
    ops.open("/job-types")
    card = ops.page.locator(".card", has=ops.page.get_by_role("heading", name="send-notification"))
    expect(card).to_contain_text("one of email, sms, push")
    expect(card).to_contain_text("text, 1 to 200 characters")
    expect(ops.page.get_by_role("link", name="Enqueue…")).to_have_count(0)


def test_admin_enqueues_by_a_form_made_from_the_schema(admin: Person, jobs: Jobs) -> None:
    admin.expects(422)
    admin.open("/job-types")
    admin.page.locator(".card", has_text="ticket.created").get_by_role("link", name="Enqueue…").click()
    ticket = unique("form")
    for name, value in (("ticketId", "not an id!"), ("propertyId", "p"), ("createdById", "u"), ("landlordId", "l")):
        admin.page.locator(f'[name="data.{name}"]').fill(value)
    admin.page.get_by_role("button", name="Enqueue").click()
    expect(admin.page.get_by_role("alert")).to_contain_text("ticketId")
    expect(admin.page.locator('[name="data.propertyId"]')).to_have_value("p")
    admin.page.locator('[name="data.ticketId"]').fill(ticket)
    admin.page.get_by_role("button", name="Enqueue").click()
    expect(admin.toast()).to_contain_text("was enqueued")
    assert jobs.audited(f"ticket-created-{ticket}", "enqueue")["actorUserId"] == "admin"
    wait_until(lambda: jobs.status("tickets", f"ticket-created-{ticket}") == "completed", within=10)


def test_ops_is_refused_the_form_of_admin(ops: Person) -> None:
    ops.expects(403)
    ops.open("/job-types/tickets/ticket.created/enqueue")
    expect(ops.page.get_by_role("heading", name="Not for your role")).to_be_visible()

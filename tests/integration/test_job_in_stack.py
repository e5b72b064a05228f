"""The job types in real worker processes: repeats, outages of what they need, and workers that are killed."""

from __future__ import annotations

import socketserver
import threading
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.stack import RunningStack, a_stack
from local import demo
from local.demo.expected import EXPECTED
from local.demo.run import compare
from support.handling import let_claims_run_out
from support.waiting import wait_until

NOTIFICATIONS = "/jobs/queues/notifications"


def enqueue(client: httpx.Client, job_id: str, **payload: str) -> None:
    data = {"type": "email", "recipientId": "user-lena", "message": f"About {job_id}", **payload}
    body = {"name": "send-notification", "data": data, "opts": {"jobId": job_id}}
    client.post(NOTIFICATIONS, json=body).raise_for_status()


def job(client: httpx.Client, job_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"{NOTIFICATIONS}/{job_id}").raise_for_status().json()
    return answer


def wait_for(client: httpx.Client, job_id: str, status: str, *, within: float = 15.0) -> dict[str, Any]:
    wait_until(lambda: job(client, job_id)["status"] == status, within=within, what=f"{job_id} {status}")
    return job(client, job_id)


def has_status(client: httpx.Client, path: str, status: str) -> bool:
    return bool(client.get(path).json()["status"] == status)


def messages(stack: RunningStack, containing: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{stack.sink_url}/messages", params={"containing": containing}).json()
    return found


def new_id() -> str:
    return f"n-{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize(("channel", "recipient"), [("email", "user-lena"), ("sms", "user-tom"), ("push", "user-tom")])
def test_a_notification_job_run_five_times_sends_one_message(stack: RunningStack, channel: str, recipient: str) -> None:
    job_id = new_id()
    with stack.client() as ops:
        for _ in range(5):
            enqueue(ops, job_id, type=channel, recipientId=recipient)
            wait_for(ops, job_id, "completed")
            ops.post(f"{NOTIFICATIONS}/{job_id}/remove", json={"reason": "to run it again"}).raise_for_status()

    assert [message["repeats"] for message in messages(stack, job_id)] == [0]


@pytest.mark.slow
def test_the_demos_day_comes_out_as_expected_and_does_so_again(stack: RunningStack) -> None:
    passwords = stack.stack.credentials.passwords()

    assert demo.run(stack.url, stack.sink_url, passwords, stack.database_url)
    assert demo.run(stack.url, stack.sink_url, passwords, stack.database_url)


@pytest.mark.parametrize("line", list(EXPECTED))
def test_the_demo_notices_every_line_that_differs(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(EXPECTED)
    assert not compare({**EXPECTED, line: "something else"})
    assert f"1 of {len(EXPECTED)} lines differ" in capsys.readouterr().out


def test_the_demo_says_in_one_line_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    passwords = dict.fromkeys(("service@local", "ops@local", "tenant@local"), "x")

    assert not demo.run("http://127.0.0.1:9", "http://127.0.0.1:9", passwords, "")
    assert "demo: POST /auth/login" in capsys.readouterr().out


@pytest.mark.slow
def test_what_jobs_need_may_go_and_come_back(own_stack: RunningStack) -> None:
    by_mail, by_sms, about_ticket = new_id(), new_id(), new_id()
    with own_stack.client() as ops:
        own_stack.stop("sink")
        enqueue(ops, by_mail)
        enqueue(ops, by_sms, type="sms")
        own_stack.stop("postgres")
        data = {"ticketId": about_ticket, "propertyId": "p", "createdById": "c", "landlordId": "landlord-hillside"}
        ops.post("/jobs/queues/tickets", json={"name": "ticket.created", "data": data}).raise_for_status()
        tickets = f"/jobs/queues/tickets/ticket-created-{about_ticket}"
        for path in (f"{NOTIFICATIONS}/{by_mail}", f"{NOTIFICATIONS}/{by_sms}", tickets):
            wait_until(partial(has_status, ops, path, "delayed"), within=15)
            waiting = ops.get(path).json()
            assert waiting["attemptsMade"] == 0
            assert waiting["failedReason"]

        own_stack.start("postgres")
        own_stack.start("sink")
        for job_id in (by_mail, by_sms):
            wait_for(ops, job_id, "completed", within=30)
        wait_until(partial(has_status, ops, tickets, "completed"), within=30)
        wait_until(lambda: len(messages(own_stack, about_ticket)) == 4, within=15)

    assert len(messages(own_stack, by_mail)) == len(messages(own_stack, by_sms)) == 1


class SlowMailServer(socketserver.ThreadingTCPServer):
    """Takes mails, but is silent for `holds_at` until it is let go."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SlowSession)
        self.holds_at = b""
        self.reached, self.let_go = threading.Event(), threading.Event()
        self.mails: list[bytes] = []


class SlowSession(socketserver.StreamRequestHandler):
    server: SlowMailServer

    def handle(self) -> None:
        self.wfile.write(b"220 hello\r\n")
        mail = b""
        in_data = False
        try:
            while line := self.rfile.readline():
                word = line.strip().upper()[:4]
                if in_data and word != b".":
                    mail += line
                    continue
                if in_data:
                    self.server.mails.append(mail)
                if self.server.holds_at and word == self.server.holds_at:
                    self.server.reached.set()
                    self.server.let_go.wait(30)
                in_data = word == b"DATA"
                self.wfile.write(b"354 go on\r\n" if in_data else b"250 ok\r\n")
        except OSError:
            return  # the client was killed


@pytest.fixture
def mail_server() -> Iterator[SlowMailServer]:
    with SlowMailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.let_go.set()
        server.shutdown()


def kill_the_worker_at(word: bytes, stack: RunningStack, server: SlowMailServer, job_id: str) -> None:
    """Kill -9 while the mail server is silent after `word`; the next worker finds the claim run out."""
    server.holds_at = word
    server.reached.clear()
    with stack.client() as ops:
        enqueue(ops, job_id)
    assert server.reached.wait(10)
    stack.kill("worker-notifications")
    server.holds_at = b""
    server.let_go.set()
    let_claims_run_out(stack.database_url)
    stack.start("worker-notifications")


@pytest.mark.slow
def test_a_worker_killed_in_mid_mail_never_sends_it_twice(tmp_path: Path, mail_server: SlowMailServer) -> None:
    url = f"smtp://127.0.0.1:{mail_server.server_address[1]}"
    with (
        a_stack(tmp_path / "state", SMTP_URL=url, WORKER_LEASE_MS="2000") as stack,
        stack.client() as ops,
    ):
        before, after = new_id(), new_id()
        kill_the_worker_at(b"RCPT", stack, mail_server, before)
        wait_for(ops, before, "completed", within=60)
        assert len(mail_server.mails) == 1

        kill_the_worker_at(b".", stack, mail_server, after)
        dead = wait_for(ops, after, "failed", within=60)
        assert dead["dead"] is True
        assert "may have arrived" in dead["failedReason"]
        assert len(mail_server.mails) == 2
        assert [attempt["outcome"] for attempt in dead["attempts"]] == ["lost", "failed"]

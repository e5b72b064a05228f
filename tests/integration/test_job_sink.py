"""The local sink behaves as the providers it stands for."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import httpx

from local.sink.server import Sink


def post(sink: Sink, path: str, *, key: str = "k", to: str = "+1", text: str = "hello") -> httpx.Response:
    return httpx.post(sink.http_url + path, json={"to": to, "text": text}, headers={"idempotency-key": key})


def test_a_repeated_key_is_answered_the_same_and_counted_once(sink: Sink) -> None:
    answers = [post(sink, "/sms").json() for _ in range(3)]
    other_channel = post(sink, "/push").json()

    assert answers == [answers[0]] * 3
    assert other_channel != answers[0]
    messages = httpx.get(f"{sink.http_url}/messages").json()
    assert [(m["channel"], m["repeats"]) for m in messages] == [("push", 0), ("sms", 2)]


def test_refused_and_busy_recipients_are_answered_as_a_provider_would(sink: Sink) -> None:
    assert post(sink, "/sms", to="refused").status_code == 422
    assert post(sink, "/sms", to="busy").status_code == 429
    assert httpx.post(f"{sink.http_url}/sms", content=b"[").status_code == 400
    assert httpx.get(f"{sink.http_url}/messages").json() == []


def test_the_page_shows_what_arrived_and_runs_nothing_of_it(sink: Sink) -> None:
    assert "Nothing yet." in httpx.get(sink.http_url).text
    post(sink, "/push", text="<script>alert(1)</script>")

    page = httpx.get(sink.http_url)
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_message_is_found_by_a_part_of_its_text(sink: Sink) -> None:
    post(sink, "/sms", key="1", text="about ticket-1")
    post(sink, "/sms", key="2", text="about ticket-2")

    found = httpx.get(f"{sink.http_url}/messages", params={"containing": "ticket-2"}).json()
    assert [message["key"] for message in found] == ["2"]


def test_a_mails_id_is_shown_as_it_was_given_when_its_header_is_folded(sink: Sink) -> None:
    mail = EmailMessage()
    mail["To"], mail["From"], mail["Message-ID"] = "a@b.example", "me@b.example", f"<{'n' * 57}@b.example>"
    host, port = sink.smtp_url.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.send_message(mail)

    (message,) = httpx.get(f"{sink.http_url}/messages").json()
    assert message["key"] == f"<{'n' * 57}@b.example>"


def test_the_mail_server_keeps_to_the_order_of_commands(sink: Sink) -> None:
    host, port = sink.smtp_url.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        assert smtp.rcpt("a@b.example")[0] == 503
        assert smtp.mail("me@b.example")[0] == 250
        assert smtp.docmd("DATA")[0] == 503
        assert smtp.rcpt("x@refused.example")[0] == 550
        assert smtp.rcpt("x@busy.example")[0] == 451
        assert smtp.docmd("STARTTLS")[0] == 502
    assert sink.outbox.newest() == []

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from worker.delivery.contract import DeliveryRefused, Message, ProviderUnavailable
from worker.delivery.email import TO_ATOM, EmailSender, compose, expect
from worker.delivery.http import retry_after
from worker.jobs.notifications import SendNotification
from worker.jobs.tickets import TicketAssigned
from worker.platform.contract import Channel

job_ids = st.from_regex(r"[A-Za-z0-9._:-]{1,200}", fullmatch=True)


@given(job_ids, job_ids)
def test_a_job_id_becomes_a_valid_message_id_that_no_other_job_id_becomes(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_/+-]+", one.translate(TO_ATOM))
    assert (one == other) == (one.translate(TO_ATOM) == other.translate(TO_ATOM))


@given(st.text(max_size=200), st.text(min_size=1, max_size=500))
def test_every_notification_that_is_accepted_can_be_written_as_a_mail(subject: str, text: str) -> None:
    try:
        SendNotification(type=Channel.EMAIL, recipient_id="user-1", subject=subject, message=text)
    except ValidationError:
        return
    message = Message("n-1", "x@y.example", subject, text)
    mail = compose(message, sender="Jobs <jobs@platform.example>", domain="platform.example")
    read = message_from_bytes(mail.as_bytes(), policy=default)

    assert read["Message-ID"] == "<n-1@platform.example>"
    assert [name for name, _ in read.items()].count("Subject") == 1
    assert mail.as_bytes().isascii()


@pytest.mark.parametrize("code", [500, 550, 554])
def test_a_mail_servers_5xx_is_a_refusal(code: int) -> None:
    with pytest.raises(DeliveryRefused, match=str(code)):
        expect((code, b"no"), "recipient")


@pytest.mark.parametrize("code", [421, 450, 354, -1])
def test_anything_else_than_success_from_a_mail_server_is_not_now(code: int) -> None:
    with pytest.raises(ProviderUnavailable):
        expect((code, b"later"), "recipient")


@pytest.mark.parametrize("url", ["", "localhost:25", "http://mail.example", "smtp://"])
def test_an_unusable_mail_server_url_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        EmailSender(url, sender="a@b.example")


def test_a_sender_without_an_address_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="SMTP_FROM"):
        EmailSender("smtp://mail.example", sender="The platform")


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("999999", 3600.0), ("soon", None), ("", None)])
def test_a_providers_wish_to_wait_is_heard_within_bounds(header: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers={"retry-after": header})) == seconds


@pytest.mark.parametrize(
    "change",
    [
        {"type": "fax"},
        {"recipientId": ""},
        {"recipientId": "a\nb"},
        {"message": ""},
        {"subject": "a\r\nBcc: everyone@example.com"},
        {"metadata": "text"},
    ],
    ids=str,
)
def test_an_unfit_notification_is_refused(change: dict[str, str]) -> None:
    fit = {"type": "email", "recipientId": "user-1", "subject": "s", "message": "m"}
    SendNotification.model_validate(fit)

    with pytest.raises(ValidationError):
        SendNotification.model_validate({**fit, **change})


def test_what_a_caller_adds_beside_the_declared_fields_is_ignored() -> None:
    payload = {"ticketId": "t", "assignedToId": "c", "assignedBy": "l", "landlordId": "h", "note": "hello"}

    assert TicketAssigned.model_validate(payload).assignment_id is None

from __future__ import annotations

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from worker.delivery.contract import DeliveryRefused, ProviderUnavailable
from worker.delivery.email import TO_ATOM, EmailSender, expect
from worker.delivery.http import retry_after
from worker.jobs.notifications import SendNotification
from worker.jobs.tickets import TicketAssigned

job_ids = st.from_regex(r"[A-Za-z0-9._:-]{1,200}", fullmatch=True)


@given(job_ids, job_ids)
def test_a_job_id_becomes_a_valid_message_id_that_no_other_job_id_becomes(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_/+-]+", one.translate(TO_ATOM))
    assert (one == other) == (one.translate(TO_ATOM) == other.translate(TO_ATOM))


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


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("999999", 3600.0), ("soon", None), ("", None)])
def test_a_providers_wish_to_wait_is_heard_within_bounds(header: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers={"retry-after": header})) == seconds


@pytest.mark.parametrize(
    "change",
    [
        {"type": "fax"},
        {"recipientId": ""},
        {"recipientId": "a b"},
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

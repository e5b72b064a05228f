from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from worker.failures import Defer
from worker.jobs.appointments import AppointmentStart, why_not_started
from worker.platform.contract import Appointment

AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
PAYLOAD = AppointmentStart(appointment_id="a1", ticket_id="t1", start_at=AT)
FITTING = Appointment(
    appointment_id="a1",
    ticket_id="t1",
    ticket_title="A tap",
    ticket_status="SCHEDULED",
    landlord_id="l1",
    tenant_id=None,
    contractor_id=None,
    status="CONFIRMED",
    starts_at=AT,
    started=False,
)


def test_a_confirmed_appointment_at_its_time_begins_whatever_this_clock_says() -> None:
    for now in (AT - timedelta(days=1), AT, AT + timedelta(days=1)):
        assert why_not_started(PAYLOAD, FITTING, now=now) is None


def test_the_same_moment_in_another_time_zone_is_the_same_moment() -> None:
    payload = AppointmentStart.model_validate(
        {"appointmentId": "a1", "ticketId": "t1", "startAt": "2026-05-04T11:00:00+02:00"}
    )

    assert why_not_started(payload, FITTING, now=AT) is None


def test_a_later_time_is_waited_for_to_the_second() -> None:
    moved = replace(FITTING, starts_at=AT + timedelta(hours=3))

    with pytest.raises(Defer) as deferred:
        why_not_started(PAYLOAD, moved, now=AT)
    assert (deferred.value.seconds, deferred.value.jitter) == (3 * 3600, False)


def test_a_cancelled_appointment_is_not_waited_for() -> None:
    moved = replace(FITTING, starts_at=AT + timedelta(hours=3), status="CANCELLED")

    assert why_not_started(PAYLOAD, moved, now=AT) == "the appointment is CANCELLED"


def test_an_earlier_time_is_a_reschedule() -> None:
    moved = replace(FITTING, starts_at=AT - timedelta(hours=3))

    assert why_not_started(PAYLOAD, moved, now=AT) == "the appointment was rescheduled to 2026-05-04T06:00:00+00:00"

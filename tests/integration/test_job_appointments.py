"""An appointment begins exactly once and reminders come before it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from support.handling import RecordedQueues, a_context
from support.platform import Case, a_case, ticket_status
from worker.failures import Defer
from worker.jobs.appointments import (
    AppointmentReminder,
    AppointmentStart,
    ReminderType,
    appointment_reminder,
    appointment_start,
)
from worker.platform.postgres import PostgresPlatform

EVERYONE = {
    *(("user-tom", by) for by in ("sms", "push")),
    *(("user-carl", by) for by in ("email", "sms")),
    *(("user-lena", by) for by in ("email",)),
    *(("user-leo", by) for by in ("email", "push")),
}
NOW = datetime.now(UTC)
SOON = NOW + timedelta(hours=2)


@pytest.fixture
def case(platform: PostgresPlatform, database_url: str) -> Case:
    return a_case(database_url, starts_at=NOW)


def start(platform: PostgresPlatform, case: Case, queues: RecordedQueues, *, at: datetime = NOW, **other: str) -> Any:
    given = {"appointment_id": case.appointment_id, "ticket_id": case.ticket_id, **other}
    context = a_context("appointment.start", f"appointment-start-{case.appointment_id}", queues)
    return appointment_start(AppointmentStart(start_at=at, **given), context, platform)


def remind(platform: PostgresPlatform, case: Case, queues: RecordedQueues, *, at: datetime = NOW) -> Any:
    payload = AppointmentReminder(appointment_id=case.appointment_id, reminder_type=ReminderType.HOURS, remind_at=at)
    context = a_context("appointment.reminder", f"appointment-reminder-{case.appointment_id}-2h", queues)
    return appointment_reminder(payload, context, platform)


def change(database_url: str, table: str, column: str, value: object) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            sql.SQL("UPDATE platform.{} SET {} = %s").format(sql.Identifier(table), sql.Identifier(column)), (value,)
        )


def timeline_kinds(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM platform.timeline").fetchall()]


def test_a_confirmed_appointment_moves_its_ticket_and_tells_everyone(
    platform: PostgresPlatform, case: Case, database_url: str
) -> None:
    queues = RecordedQueues()
    done = start(platform, case, queues)

    assert done["outcome"] == "started"
    assert ticket_status(database_url, case) == "IN_PROGRESS"
    assert timeline_kinds(database_url) == ["appointment_started"]
    assert queues.notified() == EVERYONE


def test_a_second_run_recognises_its_own_transition_and_goes_on_to_the_notifications(
    platform: PostgresPlatform, case: Case, database_url: str
) -> None:
    start(platform, case, RecordedQueues())
    queues = RecordedQueues()
    done = start(platform, case, queues)

    assert done["outcome"] == "started"
    assert timeline_kinds(database_url) == ["appointment_started"]
    assert queues.notified() == EVERYONE


def test_eight_runs_at_once_make_one_transition_and_one_set_of_notifications(
    platform: PostgresPlatform, case: Case, database_url: str
) -> None:
    queues = RecordedQueues()

    def run(_number: int) -> str:
        try:
            return str(start(platform, case, queues)["outcome"])
        except Defer:
            return "deferred"

    with ThreadPoolExecutor(8) as threads:
        outcomes = set(threads.map(run, range(8)))

    assert "started" in outcomes
    assert outcomes <= {"started", "deferred"}
    assert timeline_kinds(database_url) == ["appointment_started"]
    assert len(queues.jobs) == len(EVERYONE)


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("appointments", "status", "CANCELLED", "the appointment is CANCELLED"),
        ("appointments", "status", "PROPOSED", "the appointment is PROPOSED"),
        ("tickets", "status", "ASSIGNED", "the ticket is ASSIGNED, not SCHEDULED"),
        ("tickets", "status", "IN_PROGRESS", "the ticket is IN_PROGRESS, not SCHEDULED"),
        ("appointments", "starts_at", NOW - timedelta(minutes=5), "the appointment was rescheduled to"),
    ],
)
def test_what_does_not_fit_is_a_recorded_skip(
    platform: PostgresPlatform, case: Case, database_url: str, table: str, column: str, value: object, reason: str
) -> None:
    change(database_url, table, column, value)
    before = ticket_status(database_url, case)
    queues = RecordedQueues()
    done = start(platform, case, queues)

    assert done["outcome"] == "skipped"
    assert done["reason"].startswith(reason)
    assert queues.logs == [f"skipped: {done['reason']}"]
    assert ticket_status(database_url, case) == before
    assert timeline_kinds(database_url) == []
    assert queues.jobs == {}


def test_an_unknown_appointment_and_one_of_another_ticket_are_skips(platform: PostgresPlatform, case: Case) -> None:
    unknown = start(platform, case, RecordedQueues(), appointment_id="no-such")
    other = start(platform, case, RecordedQueues(), ticket_id="other-ticket")

    assert unknown == {"outcome": "skipped", "reason": "there is no such appointment"}
    assert other == {"outcome": "skipped", "reason": f"the appointment belongs to ticket {case.ticket_id}"}


def test_an_appointment_moved_to_later_is_waited_for(platform: PostgresPlatform, case: Case, database_url: str) -> None:
    change(database_url, "appointments", "starts_at", SOON)

    with pytest.raises(Defer) as deferred:
        start(platform, case, RecordedQueues())
    assert deferred.value.seconds == pytest.approx((SOON - datetime.now(UTC)).total_seconds(), abs=5)
    assert ticket_status(database_url, case) == "SCHEDULED"


def test_a_job_replaced_with_the_new_time_starts_the_moved_appointment(
    platform: PostgresPlatform, case: Case, database_url: str
) -> None:
    start(platform, case, RecordedQueues())
    moved = NOW + timedelta(seconds=1)
    change(database_url, "appointments", "starts_at", moved)
    change(database_url, "tickets", "status", "SCHEDULED")
    queues = RecordedQueues()

    assert start(platform, case, queues, at=moved)["outcome"] == "started"
    assert ticket_status(database_url, case) == "IN_PROGRESS"
    assert queues.notified() == EVERYONE


def test_a_reminder_tells_everyone_once(platform: PostgresPlatform, case: Case, database_url: str) -> None:
    change(database_url, "appointments", "starts_at", SOON)
    queues = RecordedQueues()
    outcomes = [remind(platform, case, queues)["outcome"] for _ in range(3)]

    assert outcomes == ["reminded"] * 3
    assert queues.notified() == EVERYONE
    assert len(queues.jobs) == len(EVERYONE)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("status", "CANCELLED", "the appointment is CANCELLED"),
        ("starts_at", NOW - timedelta(minutes=1), "the visit has begun"),
    ],
)
def test_a_reminder_of_what_is_not_to_come_is_a_recorded_skip(
    platform: PostgresPlatform, case: Case, database_url: str, column: str, value: object, reason: str
) -> None:
    change(database_url, "appointments", "starts_at", SOON)
    change(database_url, "appointments", column, value)
    queues = RecordedQueues()

    assert remind(platform, case, queues) == {"outcome": "skipped", "reason": reason}
    assert queues.jobs == {}

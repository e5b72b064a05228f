"""Each ticket event tells the right people, once, and the daily escalation raises each late ticket once a day."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from support.handling import JOB_TYPES, RecordedQueues, a_context
from support.job_types import EXAMPLES
from support.platform import Case, a_case
from worker.job_types import Handler
from worker.jobs import tickets
from worker.platform.postgres import PostgresPlatform

LANDLORDS = {("user-lena", "email"), ("user-leo", "email"), ("user-leo", "push")}
OPS = {("user-olga", "email")}
TENANT = {("user-tom", "sms"), ("user-tom", "push")}
CONTRACTOR = {("user-carl", "email"), ("user-carl", "sms")}
PAYLOADS = {example.name: example.payload for example in EXAMPLES}
DAY = date(2026, 3, 1)


@pytest.fixture
def case(platform: PostgresPlatform, database_url: str) -> Case:
    return a_case(database_url, starts_at=datetime(2026, 3, 1, 10, tzinfo=UTC))


def run(handler: Handler, data: dict[str, Any], platform: PostgresPlatform, queues: RecordedQueues) -> Any:
    payload = handler.payload.model_validate(data)
    return handler(payload, a_context(handler.job_type.name, "the-job", queues), platform)


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        pytest.param(tickets.ticket_created, LANDLORDS | OPS, id="created"),
        pytest.param(tickets.ticket_quoted, LANDLORDS, id="quoted"),
        pytest.param(tickets.ticket_approved, CONTRACTOR | TENANT, id="approved"),
        pytest.param(tickets.ticket_assigned, CONTRACTOR, id="assigned"),
    ],
)
def test_an_event_tells_the_right_people_once(
    platform: PostgresPlatform, case: Case, handler: Handler, told: set[tuple[str, str]]
) -> None:
    queues = RecordedQueues()
    results = [run(handler, PAYLOADS[handler.job_type.name](case), platform, queues) for _ in range(3)]

    assert queues.notified() == told
    assert len(queues.jobs) == len(told)
    assert {job.name for job in queues.jobs.values()} == {"send-notification"}
    assert results == [results[0]] * 3
    assert sorted(results[0]["notified"]) == sorted(f"{person}:{channel}" for person, channel in told)
    assert {json.loads(job.data)["metadata"]["cause"] for job in queues.jobs.values()} == {"the-job"}


def test_a_quote_is_told_with_its_amount(platform: PostgresPlatform, case: Case) -> None:
    queues = RecordedQueues()
    run(tickets.ticket_quoted, {**PAYLOADS["ticket.quoted"](case), "amount": 1234.5}, platform, queues)

    assert all("1,234.50 for A dripping tap" in json.loads(job.data)["message"] for job in queues.jobs.values())


def test_a_repeat_after_the_title_changed_keeps_the_words_of_the_first_run(
    platform: PostgresPlatform, case: Case, database_url: str
) -> None:
    queues = RecordedQueues()
    run(tickets.ticket_assigned, PAYLOADS["ticket.assigned"](case), platform, queues)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE platform.tickets SET title = 'A flooded bath'")
    run(tickets.ticket_assigned, PAYLOADS["ticket.assigned"](case), platform, queues)

    assert queues.notified() == CONTRACTOR
    assert all("dripping" in json.loads(job.data)["message"] for job in queues.jobs.values())
    assert any("earlier words" in line for line in queues.logs)


def test_a_ticket_of_nobody_known_completes_and_says_so(platform: PostgresPlatform) -> None:
    queues = RecordedQueues()
    data = {"ticketId": "t1", "quoteId": "q1", "approvedBy": "x", "landlordId": "y"}

    assert run(tickets.ticket_approved, data, platform, queues) == {"notified": []}
    assert queues.logs == ["nobody to notify"]


def a_late_ticket(
    database_url: str, ticket_id: str, *, status: str = "OPEN", priority: str = "LOW", hours: int = 25
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO platform.tickets (ticket_id, property_id, created_by_id, title, status, priority, created_at)"
            " VALUES (%s, 'property-hill-1', 'user-tom', 'A cold flat', %s, %s, now() - make_interval(hours => %s))",
            (ticket_id, status, priority, hours),
        )


def priorities(database_url: str) -> dict[str, str]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT ticket_id, priority FROM platform.tickets").fetchall()
    return dict(rows)


def timeline(database_url: str) -> list[tuple[str, str, dict[str, str]]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT ticket_id, cause, detail FROM platform.timeline ORDER BY 1, 2").fetchall()


def escalate(platform: PostgresPlatform, queues: RecordedQueues, day: date = DAY) -> Any:
    return run(tickets.ticket_escalate, {"day": day.isoformat()}, platform, queues)


def test_escalation_raises_late_tickets_by_one_step_and_tells_ops(
    platform: PostgresPlatform, database_url: str
) -> None:
    a_late_ticket(database_url, "t-low")
    a_late_ticket(database_url, "t-medium", status="TRIAGED", priority="MEDIUM")
    a_late_ticket(database_url, "t-high", priority="HIGH")
    a_late_ticket(database_url, "t-urgent", priority="URGENT")
    a_late_ticket(database_url, "t-young", hours=23)
    a_late_ticket(database_url, "t-assigned", status="ASSIGNED")
    queues = RecordedQueues()
    done = escalate(platform, queues)

    assert done == {"day": "2026-03-01", "raised": 3, "tickets": ["t-high", "t-low", "t-medium"]}
    expected = {"t-low": "MEDIUM", "t-medium": "HIGH", "t-high": "URGENT"}
    unchanged = {"t-urgent": "URGENT", "t-young": "LOW", "t-assigned": "LOW"}
    assert priorities(database_url) == {**expected, **unchanged}
    assert {(ticket, detail["to"]) for ticket, _, detail in timeline(database_url)} == set(expected.items())
    assert queues.notified() == OPS
    assert len(queues.jobs) == 3
    assert queues.progress == [{"raised": 3}]


def test_a_ticket_is_raised_once_a_day_however_often_and_by_however_many_runs(
    platform: PostgresPlatform, database_url: str
) -> None:
    for number in range(20):
        a_late_ticket(database_url, f"t-{number}")
    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(lambda _: escalate(platform, RecordedQueues()), range(6)))

    assert sum(run["raised"] for run in done) == 20
    assert set(priorities(database_url).values()) == {"MEDIUM"}
    assert len(timeline(database_url)) == 20

    escalate(platform, RecordedQueues(), date(2026, 3, 2))
    assert set(priorities(database_url).values()) == {"HIGH"}


def test_a_run_that_ended_before_its_notifications_is_completed_by_the_next(
    platform: PostgresPlatform, database_url: str
) -> None:
    a_late_ticket(database_url, "t-1")
    platform.escalate_tickets(DAY, limit=10)
    queues = RecordedQueues()
    done = escalate(platform, queues)

    assert (done["raised"], done["tickets"]) == (0, ["t-1"])
    assert queues.notified() == OPS


def test_without_a_day_it_is_the_day_the_job_was_enqueued(platform: PostgresPlatform) -> None:
    assert run(tickets.ticket_escalate, {}, platform, RecordedQueues())["day"] == "2026-01-01"


def test_the_specified_ids_templates_and_queues_are_declared() -> None:
    assert {name: (declared.queue, declared.id_template) for name, declared in JOB_TYPES.items()} == {
        "ticket.created": ("tickets", "ticket-created-{ticketId}"),
        "ticket.quoted": ("tickets", "ticket-quoted-{ticketId}-{quoteId}"),
        "ticket.approved": ("tickets", "ticket-approved-{ticketId}-{quoteId}"),
        "ticket.assigned": ("tickets", "ticket-assigned-{ticketId}-{assignedToId}[-{assignmentId}]"),
        "appointment.start": ("tickets", "appointment-start-{appointmentId}"),
        "appointment.reminder": ("tickets", "appointment-reminder-{appointmentId}-{reminderType}"),
        "ticket.escalate": ("tickets", "[ticket-escalate-{day}]"),
        "send-notification": ("notifications", ""),
    }

"""Timed transitions as the platform uses them: due at the appointment, moved by a replace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from fixtures.stack import RunningStack
from support.platform import a_case, ticket_status
from support.waiting import wait_until


def test_an_appointment_a_moment_ahead_moves_its_ticket_when_it_is_due(stack: RunningStack) -> None:
    case = a_case(stack.database_url, starts_at=datetime.now(UTC) + timedelta(seconds=3))
    payload = {
        "appointmentId": case.appointment_id,
        "ticketId": case.ticket_id,
        "startAt": case.starts_at.isoformat(),
    }
    with stack.client("service@local") as service:
        answer = service.post("/jobs/queues/tickets", json={"name": "appointment.start", "data": payload})
    assert answer.json()["status"] == "delayed"
    assert ticket_status(stack.database_url, case) == "SCHEDULED"

    wait_until(lambda: ticket_status(stack.database_url, case) == "IN_PROGRESS", within=10)
    assert datetime.now(UTC) >= case.starts_at


def test_a_rescheduled_appointment_replaces_its_job_and_moves_the_ticket_at_the_new_time(stack: RunningStack) -> None:
    case = a_case(stack.database_url, starts_at=datetime.now(UTC) + timedelta(hours=5))
    moved_to = datetime.now(UTC) + timedelta(seconds=3)

    def body(at: datetime) -> dict[str, object]:
        data = {"appointmentId": case.appointment_id, "ticketId": case.ticket_id, "startAt": at.isoformat()}
        return {"name": "appointment.start", "data": data, "opts": {"ifExists": "replace"}}

    with stack.client("service@local") as service:
        assert service.post("/jobs/queues/tickets", json=body(case.starts_at)).status_code == 201
        with psycopg.connect(stack.database_url) as connection:
            connection.execute(
                "UPDATE platform.appointments SET starts_at = %s WHERE appointment_id = %s",
                (moved_to, case.appointment_id),
            )
        replaced = service.post("/jobs/queues/tickets", json=body(moved_to))

    assert replaced.json()["status"] == "delayed"
    wait_until(lambda: ticket_status(stack.database_url, case) == "IN_PROGRESS", within=10)

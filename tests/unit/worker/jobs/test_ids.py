from __future__ import annotations

import orjson
import pytest

from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job_type import EnqueueOptions, resolve
from support.handling import JOB_TYPES


def job_id(name: str, payload: dict[str, str]) -> str:
    return resolve(JOB_TYPES[name], payload, orjson.dumps(payload), EnqueueOptions(), owner="test").job_id


def test_an_assignment_id_makes_another_job_of_a_repeated_assignment() -> None:
    payload = {"ticketId": "t1", "assignedToId": "c1"}

    assert job_id("ticket.assigned", payload) == "ticket-assigned-t1-c1"
    assert job_id("ticket.assigned", {**payload, "assignmentId": "2"}) == "ticket-assigned-t1-c1-2"


def test_an_escalation_is_one_job_a_day_when_the_day_is_given_and_a_new_one_otherwise() -> None:
    assert job_id("ticket.escalate", {"day": "2026-03-01"}) == "ticket-escalate-2026-03-01"
    assert job_id("ticket.escalate", {}) != job_id("ticket.escalate", {})


def test_appointments_are_due_at_the_time_in_their_payload() -> None:
    for name, field in (("appointment.start", "startAt"), ("appointment.reminder", "remindAt")):
        payload = {"appointmentId": "a1", "reminderType": "2h", field: "2026-03-01T10:00:00+01:00"}
        job = resolve(JOB_TYPES[name], payload, orjson.dumps(payload), EnqueueOptions(), owner="test")
        assert job.due_at_ms == 1_772_355_600_000


@pytest.mark.parametrize("value", ["a b", "x" * 201, ""])
def test_a_ticket_id_that_is_no_part_of_a_job_id_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgument, match="ticketId"):
        job_id("ticket.created", {"ticketId": value})

from __future__ import annotations

import re
from typing import Any

import pytest

from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import IfExists, NewJob
from queue_engine.domain.job_type import EnqueueOptions, JobType, resolve

ASSIGNED = JobType(
    "ticket.assigned", "tickets", 1, {}, id_template="ticket-assigned-{ticketId}-{assignedToId}[-{assignmentId}]"
)
START = JobType("appointment.start", "tickets", 1, {}, id_template="start-{appointmentId}", due_field="startAt")
FREE = JobType("send-notification", "notifications", 1, {}, attempts=7, timeout_ms=10_000, dedup_ms=5)


def resolved(job_type: JobType, payload: dict[str, Any], **options: Any) -> NewJob:
    return resolve(job_type, payload, b"{}", EnqueueOptions(**options), owner="backend")


def test_the_id_is_made_from_the_payload() -> None:
    job = resolved(ASSIGNED, {"ticketId": "t1", "assignedToId": 7})

    assert (job.job_id, job.name, job.owner, job.data) == ("ticket-assigned-t1-7", "ticket.assigned", "backend", b"{}")


def test_an_optional_part_appears_with_its_field() -> None:
    payload = {"ticketId": "t1", "assignedToId": "c1"}

    assert resolved(ASSIGNED, payload | {"assignmentId": "x"}).job_id == "ticket-assigned-t1-c1-x"
    assert resolved(ASSIGNED, payload | {"assignmentId": None}).job_id == "ticket-assigned-t1-c1"


def test_the_callers_own_id_wins_and_is_checked() -> None:
    assert resolved(ASSIGNED, {}, job_id="mine").job_id == "mine"
    with pytest.raises(InvalidArgument) as refused:
        resolved(ASSIGNED, {}, job_id="not mine")
    assert refused.value.field == "job_id"


@pytest.mark.parametrize("value", [None, "", "a b", "ä", 1.5, True, [1], "x" * 300], ids=str)
def test_a_value_that_fits_no_id_is_named(value: object) -> None:
    with pytest.raises(InvalidArgument) as refused:
        resolved(ASSIGNED, {"ticketId": value, "assignedToId": "c1"})

    assert refused.value.field == "data.ticketId"


def test_an_id_nobody_can_repeat_is_random_and_not_remembered() -> None:
    one, two = resolved(FREE, {}), resolved(FREE, {})

    assert one.job_id != two.job_id
    assert re.fullmatch(r"[0-9a-f-]{36}", one.job_id)
    assert one.dedup_ms == 0
    assert resolved(FREE, {}, job_id="mine").dedup_ms == 5


@pytest.mark.parametrize("text", ["2026-01-01T10:00:00Z", "2026-01-01T11:00:00.000+01:00"])
def test_the_due_time_is_read_from_its_field(text: str) -> None:
    assert resolved(START, {"appointmentId": "a", "startAt": text}).due_at_ms == 1_767_261_600_000


@pytest.mark.parametrize("value", ["tomorrow", "2026-01-01T10:00:00", 17, "2026-13-01T00:00:00Z"], ids=str)
def test_a_due_time_that_cannot_be_read_or_has_no_offset_is_named(value: object) -> None:
    with pytest.raises(InvalidArgument) as refused:
        resolved(START, {"appointmentId": "a", "startAt": value})

    assert refused.value.field == "data.startAt"


def test_a_delay_or_due_time_of_the_caller_wins() -> None:
    payload = {"appointmentId": "a", "startAt": "2026-01-01T10:00:00Z"}

    assert (resolved(START, payload, due_at_ms=5).due_at_ms, resolved(START, {"appointmentId": "a"}).due_at_ms) == (
        5,
        None,
    )
    delayed = resolved(START, payload, delay_ms=9)
    assert (delayed.delay_ms, delayed.due_at_ms) == (9, None)


def test_what_the_caller_leaves_open_comes_from_the_job_type() -> None:
    backoff = Backoff(BackoffKind.FIXED, 1)
    plain = resolved(FREE, {})
    chosen = resolved(FREE, {}, attempts=1, priority=4, backoff=backoff, timeout_ms=3, if_exists=IfExists.REPLACE)

    assert (plain.attempts, plain.timeout_ms, plain.priority, plain.backoff) == (7, 10_000, 0, FREE.backoff)
    assert (chosen.attempts, chosen.timeout_ms, chosen.priority, chosen.backoff) == (1, 3, 4, backoff)
    assert (plain.if_exists, chosen.if_exists) == (IfExists.RETURN, IfExists.REPLACE)

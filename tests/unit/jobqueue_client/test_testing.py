from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobqueue_client import JobClient, JobQueueError, NewJob
from jobqueue_client.testing import RecordingQueue


def create_ticket(queue: JobClient, ticket_id: str) -> None:
    """A backend's code under test."""
    queue.enqueue("tickets", "ticket.created", {"ticketId": ticket_id, "landlordId": "l-1"})


def test_what_was_enqueued_can_be_asserted_by_some_of_its_values() -> None:
    queue = RecordingQueue()

    create_ticket(queue, "42")

    job = queue.assert_enqueued("ticket.created", queue="tickets", ticketId="42")
    assert job.data == {"ticketId": "42", "landlordId": "l-1"}
    with pytest.raises(AssertionError, match=r"0 jobs ticket\.created with .*'43'"):
        queue.assert_enqueued("ticket.created", ticketId="43")


def test_an_empty_queue_can_be_asserted() -> None:
    queue = RecordingQueue()
    queue.assert_nothing_enqueued()

    create_ticket(queue, "42")

    with pytest.raises(AssertionError, match=r"tickets: ticket\.created"):
        queue.assert_nothing_enqueued()


def test_the_same_id_is_treated_as_the_real_queue_does() -> None:
    queue = RecordingQueue({"ticket.created": "ticket-created-{ticketId}"})
    create_ticket(queue, "42")

    again = queue.enqueue("tickets", "ticket.created", {"ticketId": "42", "landlordId": "l-1"})

    assert (again.id, again.created) == ("ticket-created-42", False)
    with pytest.raises(JobQueueError, match="ID_CONFLICT"):
        queue.enqueue("tickets", "ticket.created", {"ticketId": "42"})
    assert queue.enqueue("tickets", "ticket.created", {"ticketId": "42"}, if_exists="replace").created
    assert len(queue.jobs) == 1


def test_handlers_run_inline_on_a_copy_of_the_data() -> None:
    queue = RecordingQueue()
    create_ticket(queue, "1")
    create_ticket(queue, "2")

    def handler(data: dict[str, str]) -> dict[str, str]:
        if data.pop("ticketId") == "2":
            raise ValueError("no such ticket")
        return {"notified": "l-1"}

    first, second = queue.run("ticket.created", handler)

    assert (first.status, first.return_value, first.data["ticketId"]) == ("completed", {"notified": "l-1"}, "1")
    assert (second.status, second.failed_reason) == ("failed", "no such ticket")
    assert queue.run("ticket.created", handler) == []


def test_delayed_jobs_say_so_and_keep_their_options() -> None:
    queue = RecordingQueue()

    made = queue.enqueue("tickets", "ticket.created", {}, delay=timedelta(minutes=1), priority=2)

    assert made.status == "delayed"
    assert queue.options_of(queue.jobs[0]) == {"delay": timedelta(minutes=1), "priority": 2}


def test_cancelled_jobs_do_not_run() -> None:
    queue = RecordingQueue()
    made = queue.enqueue("tickets", "ticket.created", {})

    assert queue.cancel("tickets", made.id) == "cancelled"

    assert queue.run("ticket.created", lambda data: data) == []
    assert queue.get("tickets", made.id).failed_reason == "Manually cancelled"
    with pytest.raises(JobQueueError, match="WRONG_STATE"):
        queue.cancel("tickets", made.id)
    with pytest.raises(JobQueueError, match="JOB_NOT_FOUND"):
        queue.get("tickets", "none")


def test_a_batch_is_answered_job_by_job() -> None:
    queue = RecordingQueue()

    first, second = queue.enqueue_many(
        "tickets", [NewJob("a", {}, job_id="one"), NewJob("b", {}, job_id="one", priority=1)]
    )

    assert not isinstance(first, JobQueueError)
    assert isinstance(second, JobQueueError)


def test_what_json_or_the_contract_cannot_hold_is_refused_as_by_the_real_client() -> None:
    queue = RecordingQueue()

    with pytest.raises(TypeError):
        queue.enqueue("tickets", "a", {"when": datetime.now(UTC)})
    with pytest.raises(ValueError, match="JSON"):
        queue.enqueue("tickets", "a", {"amount": float("nan")})
    with pytest.raises(ValueError, match="time zone"):
        queue.enqueue("tickets", "a", {}, due_at=datetime.now())  # noqa: DTZ005 - the mistake under test

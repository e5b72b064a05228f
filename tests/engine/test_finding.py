from __future__ import annotations

import pytest

from engine.builders import QUEUE, Worker, a_failure, a_job, an_action
from queue_engine.domain.errors import InvalidArgument, QueueNotFound
from queue_engine.domain.job import DEAD_LETTER_QUEUE
from queue_engine.engine import QueueEngine
from queue_engine.finding import MAX_LOOKED_AT


def found(engine: QueueEngine, text: str, queue: str | None = None, limit: int = 20) -> list[str]:
    return [f"{job.queue}:{job.job_id}" for job in engine.find_jobs(text, queue=queue, limit=limit).jobs]


@pytest.fixture
def stocked(engine: QueueEngine) -> QueueEngine:
    """Jobs in every state of two queues."""
    engine.enqueue_jobs(QUEUE, [a_job(f"t-{number}") for number in range(4)])
    engine.enqueue_job(QUEUE, a_job("later", name="ticket.quoted", delay_ms=60_000))
    worker = Worker(engine)
    worker.complete(worker.take_one())
    worker.run(a_failure(retry_delay_ms=None))
    worker.take_one()
    engine.enqueue_jobs("notifications", [a_job("t-1"), a_job("n-1", name="send")])
    engine.enqueue_job("notifications", a_job("tickets:t-3"))
    return engine


def test_an_exact_id_is_found_in_every_queue(stocked: QueueEngine) -> None:
    answer = stocked.find_jobs("t-1")

    assert sorted((job.queue, job.job_id) for job in answer.jobs) == [("notifications", "t-1"), ("tickets", "t-1")]
    assert (answer.complete, answer.looked_at) == (True, 0)
    assert found(stocked, "t") == []


def test_a_queue_and_an_id_mean_one_job_and_an_id_that_looks_so_too(stocked: QueueEngine) -> None:
    assert found(stocked, "tickets:t-0") == ["tickets:t-0"]
    assert found(stocked, "tickets:t-3") == ["notifications:tickets:t-3", "tickets:t-3"]


def test_within_a_queue_beginnings_of_ids_and_names_are_found_in_every_state(stocked: QueueEngine) -> None:
    answer = stocked.find_jobs("t-", queue=QUEUE)

    assert {(job.job_id, job.state.value) for job in answer.jobs} == {
        ("t-0", "completed"),
        ("t-1", "failed"),
        ("t-2", "active"),
        ("t-3", "waiting"),
    }
    assert (answer.complete, answer.looked_at) == (True, 5)
    assert found(stocked, "ticket.q", QUEUE) == ["tickets:later"]
    assert found(stocked, "icket", QUEUE) == []


def test_the_exact_id_comes_first(stocked: QueueEngine) -> None:
    stocked.enqueue_jobs(QUEUE, [a_job("x-11"), a_job("x-1")])

    assert found(stocked, "x-1", QUEUE) == ["tickets:x-1", "tickets:x-11"]


def test_in_the_view_only_dead_jobs_are_found(stocked: QueueEngine) -> None:
    answer = stocked.find_jobs("t-", queue=DEAD_LETTER_QUEUE)

    assert [(job.job_id, job.queue) for job in answer.jobs] == [("tickets:t-1", "tickets")]
    assert [job.job_id for job in stocked.find_jobs("tickets:t-1", queue=DEAD_LETTER_QUEUE).jobs] == ["tickets:t-1"]
    assert found(stocked, "t-0", DEAD_LETTER_QUEUE) == []


def test_a_search_that_stops_at_its_limit_says_so(stocked: QueueEngine) -> None:
    exactly, fewer = (stocked.find_jobs("t-", queue=QUEUE, limit=limit) for limit in (4, 3))

    assert (len(exactly.jobs), exactly.complete) == (4, True)
    assert (len(fewer.jobs), fewer.complete) == (3, False)
    assert not stocked.find_jobs("t-1", limit=1).complete


def test_a_search_looks_at_a_bounded_number_of_jobs_and_says_so(engine: QueueEngine) -> None:
    for first in range(0, MAX_LOOKED_AT + 500, 1_000):
        engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(first, first + 1_000)])
    engine.enqueue_job(QUEUE, a_job("last"))

    by_beginning = engine.find_jobs("las", queue=QUEUE)
    by_id = engine.find_jobs("last", queue=QUEUE)

    assert (by_beginning.jobs, by_beginning.complete, by_beginning.looked_at) == ((), False, MAX_LOOKED_AT)
    assert [job.job_id for job in by_id.jobs] == ["last"]


def test_what_can_be_no_id_is_simply_not_found(stocked: QueueEngine) -> None:
    for text in ("a b", "é", "x" * 300, "tickets:"):
        assert found(stocked, text) == []
        assert found(stocked, text, QUEUE) == []
    with pytest.raises(QueueNotFound):
        stocked.find_jobs("t-1", queue="nowhere")
    for limit in (0, 101):
        with pytest.raises(InvalidArgument, match="limit"):
            stocked.find_jobs("t-1", limit=limit)


def test_a_job_removed_meanwhile_is_not_found(stocked: QueueEngine) -> None:
    stocked.remove_job(QUEUE, "t-0", action=an_action())

    assert found(stocked, "tickets:t-0") == []

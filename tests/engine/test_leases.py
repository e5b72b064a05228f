from __future__ import annotations

from typing import Any

import pytest
import redis

from engine.builders import LEASE_MS, QUEUE, Clock, Worker, a_failure, a_job, an_action, ids_of, state_of
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import (
    Completed,
    Deferred,
    Interrupted,
    Lease,
    Outcome,
    Released,
    Renewal,
    Verdict,
)
from queue_engine.engine import QueueEngine
from support.waiting import wait_until

EVERY_OUTCOME = [Completed(), a_failure(), Deferred("away", 10), Released(), Interrupted()]


def test_a_taken_job_is_nobody_elses(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())

    assert ids_of(worker.take()) == ["job-1"]
    assert Worker(engine, "other").take() == ()


@pytest.mark.parametrize("outcome", EVERY_OUTCOME, ids=lambda outcome: type(outcome).__name__)
def test_a_stale_token_changes_nothing(engine: QueueEngine, worker: Worker, clock: Clock, outcome: Outcome) -> None:
    engine.enqueue_job(QUEUE, a_job())
    stale = worker.take_one()
    clock.expire_lease("job-1")
    fresh = worker.take_one()

    assert worker.report(stale, outcome) is Verdict.STALE

    assert fresh.token > stale.token
    assert state_of(engine, "job-1") is JobState.ACTIVE
    assert engine.count_jobs(QUEUE).totals["stale"] == 1
    assert worker.complete(fresh) is Verdict.SETTLED


@pytest.mark.parametrize("outcome", EVERY_OUTCOME, ids=lambda outcome: type(outcome).__name__)
def test_another_workers_word_with_the_right_token_changes_nothing(
    engine: QueueEngine, worker: Worker, outcome: Outcome
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()

    assert Worker(engine, "impostor").report(lease, outcome) is Verdict.STALE
    assert worker.complete(lease) is Verdict.SETTLED


def test_a_report_sent_twice_counts_once(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    report = (worker.take_one(), Completed())

    verdicts = [*worker.settle([report, report]).verdicts, *worker.settle([report]).verdicts]

    assert verdicts == [Verdict.SETTLED, Verdict.STALE, Verdict.STALE]
    assert engine.count_jobs(QUEUE).totals["completed"] == 1


def test_tokens_never_repeat_even_for_an_id_used_again(engine: QueueEngine, worker: Worker) -> None:
    tokens = []
    for _ in range(3):
        engine.enqueue_job(QUEUE, a_job())
        tokens.append(worker.run(Completed()).token)
        engine.remove_job(QUEUE, "job-1", action=an_action())

    assert tokens == sorted(set(tokens))


def test_tokens_rise_even_when_the_store_forgot_the_last_ones(
    engine: QueueEngine, worker: Worker, client: redis.Redis
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")])
    first, second = worker.take(2)
    client.hdel(f"jobs:{{{QUEUE}}}:meta", "token")
    forgotten_at: Any = client.time()
    wait_until(lambda: client.time() > (forgotten_at[0], forgotten_at[1] + 2_000))

    (third,) = worker.take(1)

    assert first.token < second.token < third.token
    assert worker.complete(third) is Verdict.SETTLED


def test_one_call_settles_and_takes(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("a"), a_job("b"), a_job("c")])
    first = worker.take(2)

    settled = worker.settle([(lease, Completed()) for lease in first], want=5)

    assert settled.verdicts == (Verdict.SETTLED, Verdict.SETTLED)
    assert ids_of(settled.leases) == ["c"]


def test_a_renewed_lease_does_not_expire_and_a_lost_one_cannot_be_renewed(
    engine: QueueEngine, worker: Worker, clock: Clock
) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("kept"), a_job("lost")])
    leases = worker.take()
    clock.expire_lease("lost")
    engine.reap_leases(QUEUE)
    clock.expire_lease("kept")

    assert worker.engine.renew_leases(leases, worker=worker.name, lease_ms=LEASE_MS) == [Renewal.RENEWED, Renewal.LOST]
    assert engine.reap_leases(QUEUE) == 0
    assert state_of(engine, "kept") is JobState.ACTIVE


def test_checking_a_lease_prolongs_nothing(engine: QueueEngine, worker: Worker, clock: Clock) -> None:
    engine.enqueue_job(QUEUE, a_job())
    leases = worker.take()
    clock.expire_lease("job-1")

    assert engine.check_leases(leases, worker=worker.name) == [Renewal.RENEWED]
    assert engine.check_leases(leases, worker="impostor") == [Renewal.LOST]
    assert engine.reap_leases(QUEUE) == 1


def test_jobs_of_a_reply_that_never_arrived_are_given_back(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("known"), a_job("unseen"), a_job("others")])
    known = worker.take_one()
    worker.take(1)
    Worker(engine, "other").take(1)

    assert engine.reclaim_leases(QUEUE, worker=worker.name, known_tokens=[known.token]) == 1

    assert [state_of(engine, job_id) for job_id in ("known", "unseen", "others")] == ["active", "waiting", "active"]
    assert engine.get_job(QUEUE, "unseen").job.deliveries == 0


def test_reclaiming_looks_at_every_active_job(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_jobs(QUEUE, [a_job(f"job-{number}") for number in range(900)])
    Worker(engine, "other").take(450)
    worker.take(450)

    assert engine.reclaim_leases(QUEUE, worker=worker.name, known_tokens=[]) == 450


def test_progress_and_log_lines_belong_to_the_holder_of_the_lease(
    engine: QueueEngine, worker: Worker, clock: Clock
) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()

    assert engine.set_progress(lease, b"40", worker=worker.name) is Verdict.SETTLED
    assert engine.add_log(lease, "halfway", worker=worker.name) is Verdict.SETTLED
    clock.expire_lease("job-1")
    engine.reap_leases(QUEUE)

    assert engine.set_progress(lease, b"50", worker=worker.name) is Verdict.STALE
    assert engine.add_log(lease, "late", worker=worker.name) is Verdict.STALE
    detail = engine.get_job(QUEUE, "job-1")
    assert (detail.job.progress, [line.text for line in detail.logs]) == (b"40", ["halfway"])


def test_the_newest_two_hundred_log_lines_are_kept_and_cut(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()
    for number in range(205):
        engine.add_log(lease, f"{number} " + "é" * 2_000, worker=worker.name)

    logs = engine.get_job(QUEUE, "job-1").logs

    assert len(logs) == 200
    assert (logs[0].text[:2], len(logs[-1].text)) == ("5 ", 1_000)


def test_progress_that_is_not_json_or_too_long_is_refused(engine: QueueEngine, worker: Worker) -> None:
    engine.enqueue_job(QUEUE, a_job())
    lease = worker.take_one()

    for progress in (b"{", b'"' + b"x" * 5_000 + b'"'):
        with pytest.raises(InvalidArgument):
            engine.set_progress(lease, progress, worker=worker.name)


def test_a_worker_of_a_queue_nobody_set_up_finds_it_empty(engine: QueueEngine, lease_of_nothing: Lease) -> None:
    worker = Worker(engine, queue="nowhere")

    assert worker.settle([(lease_of_nothing, Completed())], want=5).verdicts == (Verdict.STALE,)
    assert engine.renew_leases([lease_of_nothing], worker="w", lease_ms=10) == [Renewal.LOST]
    assert engine.set_progress(lease_of_nothing, b"1", worker="w") is Verdict.STALE
    assert engine.reclaim_leases("nowhere", worker="w", known_tokens=[]) == 0
    assert engine.reap_leases("nowhere") + engine.promote_jobs("nowhere") + engine.prune_jobs("nowhere") == 0
    assert engine.list_queues() == [QUEUE]


@pytest.fixture
def lease_of_nothing(engine: QueueEngine, worker: Worker) -> Lease:
    engine.enqueue_job(QUEUE, a_job())
    return worker.take_one()._replace(queue="nowhere")

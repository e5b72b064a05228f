from __future__ import annotations

import urllib.request
from functools import partial
from pathlib import Path

import orjson
from prometheus_client.parser import text_string_to_metric_families

from fixtures.queue_admin import WORKER, RunningQueueAdmin
from fixtures.worker import StartWorker
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.domain.job import FailureKind, NewJob
from queue_engine.domain.lease import Failed
from support.sample_jobs.sample import QUEUE
from support.waiting import wait_until

ERRORS, JOBS = 10_000, 60


def samples(admin: RunningQueueAdmin) -> dict[tuple[str, ...], float]:
    """Name and label values (but for method and code) of every sample of ours."""
    with urllib.request.urlopen(f"http://127.0.0.1:{admin.service.metrics_port}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
            if family.name.startswith("queue_")
        }


def test_what_happened_is_counted_exactly(queue_admin: RunningQueueAdmin) -> None:
    backend = queue_admin.stub("SERVICE", sub="backend")
    for job_id in ("dies", "completes", "retries", "waits"):
        backend.EnqueueJob(
            pb.EnqueueJobRequest(
                queue="tickets",
                name="ticket.created",
                data=b'{"ticketId":"7"}',
                opts=job_pb2.JobOptions(job_id=job_id),
            )
        )
    dies, completes, retries = queue_admin.take(want=3)
    queue_admin.bury(dies)
    queue_admin.complete(completes)
    late = Failed("slow", "TimeoutError", "", FailureKind.TIMEOUT, retry_delay_ms=60_000)
    queue_admin.engine.settle_jobs("tickets", [(retries, late)], worker=WORKER, want=0, lease_ms=1_000)

    found = samples(queue_admin)

    jobs = {status: found["queue_jobs_total", "tickets", status] for status in ("enqueued", "started", "completed")}
    assert jobs == {"enqueued": 4, "started": 3, "completed": 1}
    assert found["queue_jobs_total", "tickets", "failed"] == 1
    assert found["queue_retries_total", "tickets"] == 1


def test_failed_attempts_are_counted_by_reason(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    queue_admin.stub("OPS").RetryJob(pb.RetryJobRequest(queue="tickets", job_id="one"))
    (lease,) = queue_admin.take()
    late = Failed("slow", "TimeoutError", "", FailureKind.TIMEOUT, retry_delay_ms=60_000)
    queue_admin.engine.settle_jobs("tickets", [(lease, late)], worker=WORKER, want=0, lease_ms=1_000)
    queue_admin.stub("OPS").CancelJob(pb.CancelJobRequest(queue="tickets", job_id="one"))

    found = samples(queue_admin)

    by_reason = {kind.value: found["queue_failures_total", "tickets", kind.value] for kind in FailureKind}
    assert {reason: times for reason, times in by_reason.items() if times} == {
        "exception": 1,
        "timeout": 1,
        "cancelled": 1,
    }


def test_gauges_say_how_the_queues_are(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    queue_admin.stub("OPS").PauseQueue(pb.PauseQueueRequest(queue="notifications"))

    found = samples(queue_admin)

    states = ("waiting", "active", "delayed", "completed", "failed")
    assert [found["queue_depth", "tickets", state] for state in states] == [0, 0, 0, 0, 1]
    assert found["queue_dead_letter_depth", "tickets"] == 1
    assert (found["queue_paused", "tickets"], found["queue_paused", "notifications"]) == (0, 1)
    assert found["queue_oldest_runnable_age_seconds", "tickets"] == 0
    assert found["queue_store_up",] == 1
    assert ("queue_audit_outbox_depth", "tickets") in found
    assert found["queue_audit_parked", "tickets"] == 0


def test_the_number_of_series_per_queue_is_bounded(queue_admin: RunningQueueAdmin) -> None:
    per_queue = [labels for labels in samples(queue_admin) if labels[1:2] == ("tickets",)]

    assert len(per_queue) <= 40


def test_ten_thousand_classes_of_errors_are_no_more_than_ten_series(queue_admin: RunningQueueAdmin) -> None:
    engine, kinds = queue_admin.engine, list(FailureKind)
    for first in range(0, ERRORS, 500):
        engine.enqueue_jobs("tickets", [NewJob(f"e-{first + n}", "note", b"{}", attempts=1) for n in range(500)])
        taken = engine.settle_jobs("tickets", [], worker=WORKER, want=500, lease_ms=30_000).leases
        failures = [
            Failed(f"words {lease.job_id}", f"Error{lease.token}", "", kinds[lease.token % 9]) for lease in taken
        ]
        reports = [(lease, failure) for lease, failure in zip(taken, failures, strict=True)]
        engine.settle_jobs("tickets", reports, worker=WORKER, want=0, lease_ms=30_000)

    counted = {key: n for key, n in samples(queue_admin).items() if key[:2] == ("queue_failures_total", "tickets")}

    assert sum(counted.values()) == ERRORS
    assert {key[2] for key in counted} == {kind.value for kind in kinds}
    assert len(counted) <= 10


def test_after_workers_were_killed_the_counters_are_what_an_outside_ledger_says(
    queue_admin: RunningQueueAdmin, start_worker: StartWorker, tmp_path: Path
) -> None:
    ledger, engine = tmp_path / "ledger", queue_admin.engine
    data = orjson.dumps({"path": str(ledger), "seconds": 0.05})
    jobs = [NewJob(f"k-{n}", "note", data) for n in range(JOBS)]
    engine.enqueue_jobs(QUEUE, jobs)
    for kill in (1, 2):
        victim = start_worker(WORKER_LEASE_MS="1500")
        wait_until(partial(has_begun, ledger, kill * JOBS // 4), within=30)
        victim.process.kill()
    start_worker(WORKER_LEASE_MS="1500")
    wait_until(lambda: engine.count_jobs(QUEUE).completed == JOBS, within=60)

    found = samples(queue_admin)
    counted = {key[2]: value for key, value in found.items() if key[:2] == ("queue_jobs_total", QUEUE)}
    kept = [engine.get_job(QUEUE, job.job_id) for job in jobs]
    lost = [one for job in kept for one in job.attempts if one.outcome == "lost"]

    assert noted(ledger, "end") >= JOBS  # a job that ended is run again when its worker was killed before it said so
    assert (counted["enqueued"], counted["completed"], counted["failed"]) == (JOBS, JOBS, 0)
    assert counted["rescued"] == len(lost) > 0
    assert (
        counted["started"] == sum(job.job.deliveries for job in kept) == JOBS + counted["rescued"] + counted["released"]
    )
    assert counted["started"] >= noted(ledger, "begin") >= JOBS


def has_begun(ledger: Path, jobs: int) -> bool:
    return ledger.exists() and noted(ledger, "begin") >= jobs


def noted(ledger: Path, word: str) -> int:
    return ledger.read_text().count(f" {word} ")


def test_the_store_s_life_the_software_and_the_time_of_each_function_are_told(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.bury_job("one")
    life = wait_until(lambda: [key for key in samples(queue_admin) if key[0] == "queue_store_epoch_info"])
    queue_admin.stub("OPS").RetryJob(pb.RetryJobRequest(queue="tickets", job_id="one"))
    found = samples(queue_admin)

    assert len(life) == 1
    assert life[0][1] == queue_admin.engine.check_store().epoch
    assert found["queue_script_duration_seconds_count", "retry_job"] == 1
    assert 0 < found["queue_script_duration_seconds_sum", "retry_job"] < 5

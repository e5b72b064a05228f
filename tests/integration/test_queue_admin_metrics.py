from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from fixtures.queue_admin import WORKER, RunningQueueAdmin
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.domain.job import FailureKind
from queue_engine.domain.lease import Failed, Report


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
    queue_admin.engine.settle_jobs("tickets", [Report(retries, late)], worker=WORKER, want=0, lease_ms=1_000)

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
    queue_admin.engine.settle_jobs("tickets", [Report(lease, late)], worker=WORKER, want=0, lease_ms=1_000)
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

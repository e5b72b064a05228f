"""Every setting of retention, obeyed by the service that it was given to."""

from __future__ import annotations

import pytest

from fixtures.queue_admin import RunningQueueAdmin, StartQueueAdmin, a_job_type
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.domain.job import DEFAULT_RETENTION, Retention
from support.waiting import wait_until
from worker.settings import WorkerSettings


def end_three(admin: RunningQueueAdmin, *, cancelled: bool) -> None:
    backend, operator = admin.stub("SERVICE", sub="backend"), admin.stub("OPS")
    for job_id in ("a", "b", "c"):
        opts = job_pb2.JobOptions(job_id=job_id)
        data = b'{"ticketId":"7"}'
        backend.EnqueueJob(pb.EnqueueJobRequest(queue="tickets", name="ticket.created", data=data, opts=opts))
        if cancelled:
            operator.CancelJob(pb.CancelJobRequest(queue="tickets", job_id=job_id))
        else:
            admin.complete(admin.take()[0])


@pytest.mark.parametrize(
    ("settings", "cancelled", "kept"),
    [
        pytest.param({"job_keep_completed": 2}, False, 2, id="number completed"),
        pytest.param({"job_keep_completed_seconds": 0.1}, False, 0, id="age completed"),
        pytest.param({"job_keep_cancelled": 1}, True, 1, id="number cancelled"),
        pytest.param({"job_keep_cancelled_seconds": 0.1}, True, 0, id="age cancelled"),
    ],
)
def test_queue_admin_keeps_ended_jobs_as_it_is_told(
    start_queue_admin: StartQueueAdmin, valkey_url: str, settings: dict[str, float], *, cancelled: bool, kept: int
) -> None:
    admin = start_queue_admin(valkey_url, **settings)
    admin.register(a_job_type())

    end_three(admin, cancelled=cancelled)

    def left() -> int:
        counts = admin.engine.count_jobs("tickets")
        return counts.failed if cancelled else counts.completed

    wait_until(lambda: left() == kept, within=30, every=0.2)


def test_a_worker_is_told_the_same_by_the_same_names() -> None:
    given = {
        "job_keep_completed": 1,
        "job_keep_completed_seconds": 2,
        "job_keep_cancelled": 3,
        "job_keep_cancelled_seconds": 4,
    }
    told = WorkerSettings.model_validate({"redis_url": "redis://127.0.0.1:1/0", **given})

    assert Retention(**told.kept()) == Retention(1_000 * 2, 1, 1_000 * 4, 3)
    assert (
        Retention(**WorkerSettings.model_validate({"redis_url": "redis://127.0.0.1:1/0"}).kept()) == DEFAULT_RETENTION
    )

from __future__ import annotations

import httpx

from fixtures.queue_admin import StartQueueAdmin, a_job_type
from jobqueue.audit.v1 import audit_service_pb2
from support.waiting import wait_until


def test_dead_jobs_beyond_their_bound_are_announced_discarded_and_recorded(
    start_queue_admin: StartQueueAdmin, valkey_url: str
) -> None:
    admin = start_queue_admin(valkey_url, queue_admin_dead_count=2)
    admin.register(a_job_type())

    def metric(name: str) -> float:
        text = httpx.get(f"http://127.0.0.1:{admin.service.metrics_port}/metrics").text
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    admin.bury_job("first")
    admin.bury_job("second")
    assert metric('queue_dead_letter_fill_ratio{queue="tickets"}') == 1
    assert metric('queue_dead_letter_bytes{queue="tickets"}') > 0

    admin.bury_job("third")

    discarded = 'queue_jobs_total{queue="tickets",status="discarded"}'
    wait_until(lambda: metric(discarded) == 1, within=20, every=0.2)
    wait_until(lambda: len(admin.audit.entries) == 1, within=10)
    (entry,) = admin.audit.entries
    assert (entry.action, entry.actor, entry.job_id) == (
        audit_service_pb2.AUDIT_ACTION_DISCARD,
        "retention",
        "first",
    )

from __future__ import annotations

import orjson
import pytest
import redis

from fixtures.queue_admin import RunningQueueAdmin
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2, reconciliation_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.domain.reconciliation import FindingKind
from support.calls import refused

LOST_JOB, COUNTER_DRIFT = reconciliation_pb2.FINDING_KIND_LOST_JOB, reconciliation_pb2.FINDING_KIND_COUNTER_DRIFT


@pytest.fixture
def damaged(queue_admin: RunningQueueAdmin, valkey_url: str) -> RunningQueueAdmin:
    """A queue with three waiting jobs, one of which no index knows."""
    for job_id in ("a", "b", "c"):
        options = job_pb2.JobOptions(job_id=job_id)
        queue_admin.stub("SERVICE").EnqueueJob(
            pb.EnqueueJobRequest(queue="tickets", name="ticket.created", data=b'{"ticketId":"7"}', opts=options)
        )
    with redis.Redis.from_url(valkey_url) as client:
        client.zrem("jobs:{tickets}:waiting", "b")
    return queue_admin


def reconcile(admin: RunningQueueAdmin, **more: object) -> pb.ReconcileQueueResponse:
    request = pb.ReconcileQueueRequest(**{"queue": "tickets", **more})  # type: ignore[arg-type]
    return admin.stub("ADMIN", sub="ada").ReconcileQueue(request)


def test_a_lost_job_is_named_and_nothing_changed(damaged: RunningQueueAdmin) -> None:
    answer = reconcile(damaged)

    assert [(f.kind, f.job_id) for f in answer.findings] == [(LOST_JOB, "b"), (COUNTER_DRIFT, "")]
    assert answer.findings[0].detail == "is waiting, found in no index, belongs into waiting"
    balance = answer.balance
    assert (balance.accepted, balance.waiting, balance.missing, balance.adjusted) == (3, 2, 1, 0)
    assert not answer.HasField("next")
    assert [lease.job_id for lease in damaged.take(want=5)] == ["a", "c"]
    assert damaged.recorded() == []


def test_a_repair_brings_it_back_and_is_in_the_audit_log(damaged: RunningQueueAdmin) -> None:
    answer = reconcile(damaged, repair=True, reason="after the crash")

    assert [f.kind for f in answer.findings] == [LOST_JOB]
    assert sorted(lease.job_id for lease in damaged.take(want=5)) == ["a", "b", "c"]
    (record,) = damaged.recorded()
    assert (record.action, record.queue, record.job_id) == (audit_service_pb2.AUDIT_ACTION_REPAIR, "tickets", "b")
    assert (record.actor, record.reason) == ("ada", "after the crash")
    assert orjson.loads(record.detail)["finding"] == "lost_job"
    assert list(reconcile(damaged).findings) == []


def test_a_repair_needs_a_reason_and_an_admin(damaged: RunningQueueAdmin) -> None:
    with refused("INVALID_REQUEST") as call:
        reconcile(damaged, repair=True)
    assert call.fields == {"reason": "is required for a repair"}

    with refused("ROLE_REQUIRED"):
        damaged.stub("OPS").ReconcileQueue(pb.ReconcileQueueRequest(queue="tickets"))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"queue": "nowhere"}, "QUEUE_NOT_FOUND", id="unknown queue"),
        pytest.param({"queue": "dead-letter"}, "QUEUE_RESERVED", id="view"),
        pytest.param({"next": "keys@x"}, "INVALID_REQUEST", id="malformed place"),
    ],
)
def test_what_cannot_be_proved_is_refused(damaged: RunningQueueAdmin, more: dict[str, object], code: str) -> None:
    with refused(code):
        reconcile(damaged, **more)


def test_the_contract_names_every_kind_of_damage() -> None:
    names = set(reconciliation_pb2.FindingKind.keys()) - {"FINDING_KIND_UNSPECIFIED"}

    assert names == {f"FINDING_KIND_{kind.name}" for kind in FindingKind}

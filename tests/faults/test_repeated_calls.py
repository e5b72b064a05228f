"""F18: every call arrives twice, at the same moment, as a retrying client or network would have it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from faults.support.report import Row
from fixtures.queue_admin import RunningQueueAdmin, a_job_type
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.domain.job import JobState
from queue_engine.domain.lease import Completed, Verdict

ROUNDS = 20
QUEUE = "notifications"


def twice(call: Callable[[], Any]) -> list[Any]:
    """Both answers; a refusal is its status code."""
    start = threading.Barrier(2)

    def one(_: int) -> Any:
        start.wait()
        try:
            return call()
        except grpc.RpcError as error:
            return error.code()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(2)))


def enqueue(job_id: str, delay: int = 0, text: str = "m") -> pb.EnqueueJobRequest:
    opts = job_pb2.JobOptions(job_id=job_id, delay=delay) if delay else job_pb2.JobOptions(job_id=job_id)
    data = b'{"ticketId": "%s"}' % text.encode()
    return pb.EnqueueJobRequest(queue=QUEUE, name="send-notification", data=data, opts=opts)


def test_every_call_made_twice_at_once_has_one_effect_and_one_record(
    queue_admin: RunningQueueAdmin, rows: list[Row], seed: int
) -> None:
    service, ops = queue_admin.stub("SERVICE", sub="backend"), queue_admin.stub("OPS", sub="olga")
    done: Counter[str] = Counter()
    missing, wrong = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION
    for number in range(ROUNDS):
        job_id = f"twice-{number}"
        made = twice(lambda: service.EnqueueJob(enqueue(job_id, 3_600_000)))  # noqa: B023 - called here
        assert sorted(answer.created for answer in made) == [False, True]
        other = twice(lambda: service.EnqueueJob(enqueue(job_id, 3_600_000, "other")))  # noqa: B023
        assert other == [grpc.StatusCode.ALREADY_EXISTS] * 2
        for verb, loser, call in (
            ("cancel", wrong, lambda: ops.CancelJob(pb.CancelJobRequest(queue=QUEUE, job_id=job_id))),  # noqa: B023
            ("retry", wrong, lambda: ops.RetryJob(pb.RetryJobRequest(queue=QUEUE, job_id=job_id))),  # noqa: B023
            ("remove", missing, lambda: ops.RemoveJob(pb.RemoveJobRequest(queue=QUEUE, job_id=job_id))),  # noqa: B023
        ):
            answers = twice(call)
            assert answers.count(loser) == 1, (verb, answers)
            done[verb] += 1
        for verb, change in (
            ("pause", lambda: ops.PauseQueue(pb.PauseQueueRequest(queue=QUEUE))),
            ("resume", lambda: ops.ResumeQueue(pb.ResumeQueueRequest(queue=QUEUE))),
        ):
            twice(change)
            done[verb] += 1
        twice(lambda: queue_admin.register(a_job_type()))
    recorded = Counter(entry.action for entry in queue_admin.recorded())
    assert recorded == {
        audit_service_pb2.AuditAction.Value(f"AUDIT_ACTION_{verb.upper()}"): n for verb, n in done.items()
    }
    assert queue_admin.engine.count_jobs(QUEUE).totals["added"] == ROUNDS
    rows.append(Row("F18", "each call made twice at the same moment", ROUNDS, 0, 0, 0, "-", seed, "second effects: 0"))


def test_an_outcome_told_twice_counts_once(queue_admin: RunningQueueAdmin) -> None:
    queue_admin.stub("SERVICE").EnqueueJob(enqueue("told-twice"))
    (lease,) = queue_admin.take(QUEUE)
    report = [(lease, Completed())]

    def settle() -> Verdict:
        return queue_admin.engine.settle_jobs(QUEUE, report, worker="test-worker", want=0, lease_ms=1_000).verdicts[0]

    assert sorted(twice(settle)) == [Verdict.SETTLED, Verdict.STALE]
    assert settle() is Verdict.STALE
    assert queue_admin.engine.get_job(QUEUE, "told-twice").job.state is JobState.COMPLETED
    assert queue_admin.engine.count_jobs(QUEUE).totals["completed"] == 1

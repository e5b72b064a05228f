"""The contract's methods: convert in, one call, convert out."""

from __future__ import annotations

import grpc
import structlog

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2
from queue_admin import convert
from queue_admin.actions import action_of, is_operator
from queue_admin.bulk import BulkDesk
from queue_admin.enqueue import Enqueuer, to_result
from queue_admin.erase import erase_subject
from queue_admin.errors import invalid
from queue_admin.job_type_messages import from_job_type
from queue_admin.job_types import JobTypeRegistry
from queue_admin.jobs import JobDesk
from queue_admin.queues import QueueOverview
from queue_admin.reconcile import reconcile_queue
from queue_admin.schedules import ScheduleDesk
from queue_admin.servicer_schedules import ScheduleMethods
from queue_admin.workers import WorkerDesk
from queue_engine.engine import BulkResult, QueueEngine
from service_kit.context import current_caller

log = structlog.get_logger()
pb = queue_admin_service_pb2
UNCHANGED = job_pb2.ACTION_OUTCOME_UNCHANGED
GROUPS = 50
FOUND = 20


class QueueAdminServicer(ScheduleMethods):
    """Runs behind the interceptor, which has checked token, role, deadline and field rules, and translates errors."""

    def __init__(
        self,
        engine: QueueEngine,
        job_types: JobTypeRegistry,
        workers: WorkerDesk,
        schedules: ScheduleDesk,
        *,
        page_size: int,
    ) -> None:
        self._engine, self._job_types, self._workers, self._page_size = engine, job_types, workers, page_size
        self._schedules = schedules
        self._enqueuer = Enqueuer(engine, job_types)
        self._jobs = JobDesk(engine, job_types)
        self._bulk = BulkDesk(engine)
        self._queues = QueueOverview(engine)

    # -- enqueue

    def EnqueueJob(self, request: pb.EnqueueJobRequest, context: grpc.ServicerContext) -> pb.EnqueueJobResponse:
        """One job."""
        made = self._enqueuer.enqueue_job(request, current_caller())
        log.info("job_enqueued", queue=request.queue, job_id=made.job_id, name=request.name, created=made.created)
        return pb.EnqueueJobResponse(
            id=made.job_id,
            queue=request.queue,
            name=request.name,
            status=convert.STATE_TO_WIRE[made.state],
            created=made.created,
        )

    def EnqueueJobs(self, request: pb.EnqueueJobsRequest, context: grpc.ServicerContext) -> pb.EnqueueJobsResponse:
        """Many jobs of one queue."""
        results = self._enqueuer.enqueue_jobs(request.queue, request.jobs, current_caller())
        log.info("jobs_enqueued", queue=request.queue, count=len(results))
        return pb.EnqueueJobsResponse(results=[to_result(job_id, result) for job_id, result in results])

    # -- queues

    def ListQueues(self, request: pb.ListQueuesRequest, context: grpc.ServicerContext) -> pb.ListQueuesResponse:
        """All queues."""
        return pb.ListQueuesResponse(queues=self._queues.list_queues())

    def GetQueue(self, request: pb.GetQueueRequest, context: grpc.ServicerContext) -> pb.GetQueueResponse:
        """One queue, and a page of its jobs when a status is given."""
        answer = pb.GetQueueResponse(queue=self._queues.get_queue(request.queue))
        if request.HasField("status"):
            answer.page.CopyFrom(self._page(request))
        elif request.HasField("group"):
            raise invalid("group", "needs the status failed")
        elif request.HasField("order"):
            raise invalid("order", "needs a status")
        return answer

    def _page(self, request: pb.GetQueueRequest) -> pb.QueueJobs:
        if request.status not in convert.STATE_FROM_WIRE:
            raise invalid("status", f"must be one of {', '.join(state.value for state in convert.STATE_TO_WIRE)}")
        page = request.page if request.HasField("page") else 1
        size = request.page_size if request.HasField("page_size") else self._page_size
        state = convert.STATE_FROM_WIRE[request.status]
        group = request.group if request.HasField("group") else None
        order = convert.ORDER_FROM_WIRE.get(request.order)
        offset = (page - 1) * size
        found = self._engine.list_jobs(request.queue, state, offset=offset, limit=size, group=group, order=order)
        return pb.QueueJobs(
            jobs=[convert.from_job(job, listed_from=request.queue) for job in found.jobs],
            pagination=convert.pagination(page, size, found.total),
        )

    def ListErrorGroups(
        self, request: pb.ListErrorGroupsRequest, context: grpc.ServicerContext
    ) -> pb.ListErrorGroupsResponse:
        """Failed jobs by the way they failed."""
        limit = request.limit if request.HasField("limit") else GROUPS
        found = self._engine.list_error_groups(request.queue, limit=limit)
        return pb.ListErrorGroupsResponse(
            groups=[convert.from_error_group(group) for group in found.groups], total=found.total
        )

    def PauseQueue(self, request: pb.PauseQueueRequest, context: grpc.ServicerContext) -> pb.PauseQueueResponse:
        """Hand out no more jobs."""
        changed = self._engine.pause_queue(request.queue, action=action_of(current_caller(), request.reason))
        return pb.PauseQueueResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_PAUSED if changed else UNCHANGED)

    def ResumeQueue(self, request: pb.ResumeQueueRequest, context: grpc.ServicerContext) -> pb.ResumeQueueResponse:
        """Hand out jobs again."""
        changed = self._engine.resume_queue(request.queue, action=action_of(current_caller(), request.reason))
        return pb.ResumeQueueResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_RESUMED if changed else UNCHANGED)

    def ReconcileQueue(
        self, request: pb.ReconcileQueueRequest, context: grpc.ServicerContext
    ) -> pb.ReconcileQueueResponse:
        """Prove that nothing is lost, and mend."""
        found = reconcile_queue(self._engine, request, current_caller())
        for finding in found.findings:
            log.warning(
                "damage_found", queue=request.queue, job_id=finding.job_id, kind=finding.kind, detail=finding.detail
            )
        return found

    def EraseSubject(self, request: pb.EraseSubjectRequest, context: grpc.ServicerContext) -> pb.EraseSubjectResponse:
        """Forget a person."""
        erased = erase_subject(self._engine, request, current_caller())
        log.info("subject_erased", queue=request.queue, removed=erased.removed, redacted=erased.redacted)
        return erased

    # -- jobs

    def GetJob(self, request: pb.GetJobRequest, context: grpc.ServicerContext) -> pb.GetJobResponse:
        """One job with its history."""
        caller = current_caller()
        found = self._jobs.get_job(request.queue, request.job_id, caller)
        job, for_operator = found.job, is_operator(caller)
        shown = convert.from_job(job, listed_from=request.queue)
        shown.id = request.job_id  # in the dead-letter view the entry's
        return pb.GetJobResponse(
            job=shown,
            stacktrace=(job.stack or "").splitlines(),
            return_value=convert.as_json(job.return_value) if job.return_value else b"",
            opts=convert.options_of(job),
            attempts=[convert.from_attempt(attempt) for attempt in found.attempts],
            logs=[convert.from_log_line(line) for line in found.logs],
            explanation=self._jobs.explain(found) if for_operator else None,
            related=convert.related_of(found) if for_operator else (),
        )

    def FindJobs(self, request: pb.FindJobsRequest, context: grpc.ServicerContext) -> pb.FindJobsResponse:
        """Jobs by id, or by how id or type begins."""
        text, queue = request.text.strip(), request.queue or None
        if not text:
            raise invalid("text", "must not be blank")
        limit = request.limit if request.HasField("limit") else FOUND
        found = self._engine.find_jobs(text, queue=queue, limit=limit)
        return pb.FindJobsResponse(
            jobs=[convert.from_job(job, listed_from=queue or job.queue) for job in found.jobs],
            complete=found.complete,
            looked_at=found.looked_at,
        )

    def RetryJob(self, request: pb.RetryJobRequest, context: grpc.ServicerContext) -> pb.RetryJobResponse:
        """Failed to waiting."""
        data = request.data if request.HasField("data") else None
        self._jobs.retry_job(request.queue, request.job_id, current_caller(), reason=request.reason, data=data)
        return pb.RetryJobResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_RETRIED)

    def RemoveJob(self, request: pb.RemoveJobRequest, context: grpc.ServicerContext) -> pb.RemoveJobResponse:
        """Forget a job."""
        self._jobs.remove_job(request.queue, request.job_id, current_caller(), reason=request.reason)
        return pb.RemoveJobResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_REMOVED)

    def CancelJob(self, request: pb.CancelJobRequest, context: grpc.ServicerContext) -> pb.CancelJobResponse:
        """Never run it, or stop it."""
        outcome = self._jobs.cancel_job(request.queue, request.job_id, current_caller(), reason=request.reason)
        return pb.CancelJobResponse(
            success=True, outcome=job_pb2.ActionOutcome.Value(f"ACTION_OUTCOME_{outcome.upper()}")
        )

    def RescheduleJob(
        self, request: pb.RescheduleJobRequest, context: grpc.ServicerContext
    ) -> pb.RescheduleJobResponse:
        """Run it at another time, or now."""
        due = request.due_at if request.HasField("due_at") else None
        changed = self._jobs.reschedule_job(
            request.queue, request.job_id, current_caller(), due_at_ms=due, reason=request.reason
        )
        outcome = job_pb2.ACTION_OUTCOME_RESCHEDULED if changed else UNCHANGED
        return pb.RescheduleJobResponse(success=True, outcome=outcome)

    # -- bulk

    def RetryJobs(self, request: pb.RetryJobsRequest, context: grpc.ServicerContext) -> pb.RetryJobsResponse:
        """All failed jobs that match."""
        result = self._bulk.retry_jobs(request, current_caller())
        return pb.RetryJobsResponse(matched=result.matched, done=result.done, skipped=_skipped(result))

    def RemoveJobs(self, request: pb.RemoveJobsRequest, context: grpc.ServicerContext) -> pb.RemoveJobsResponse:
        """All jobs that match."""
        result = self._bulk.remove_jobs(request, current_caller())
        return pb.RemoveJobsResponse(matched=result.matched, done=result.done, skipped=_skipped(result))

    def CancelJobs(self, request: pb.CancelJobsRequest, context: grpc.ServicerContext) -> pb.CancelJobsResponse:
        """All jobs that match and have not ended."""
        result = self._bulk.cancel_jobs(request, current_caller())
        return pb.CancelJobsResponse(matched=result.matched, done=result.done, skipped=_skipped(result))

    # -- job types and workers

    def ListJobTypes(self, request: pb.ListJobTypesRequest, context: grpc.ServicerContext) -> pb.ListJobTypesResponse:
        """All registered types."""
        return pb.ListJobTypesResponse(job_types=[from_job_type(job_type) for job_type in self._job_types.list()])

    def RegisterWorker(
        self, request: pb.RegisterWorkerRequest, context: grpc.ServicerContext
    ) -> pb.RegisterWorkerResponse:
        """A worker lives."""
        return pb.RegisterWorkerResponse(ttl=self._workers.register_worker(request, current_caller()))

    def ListWorkers(self, request: pb.ListWorkersRequest, context: grpc.ServicerContext) -> pb.ListWorkersResponse:
        """All live workers."""
        return pb.ListWorkersResponse(workers=self._workers.list_workers())

    def DrainWorker(self, request: pb.DrainWorkerRequest, context: grpc.ServicerContext) -> pb.DrainWorkerResponse:
        """Take no more jobs."""
        changed = self._workers.drain_worker(request.worker_id, current_caller(), reason=request.reason)
        return pb.DrainWorkerResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_DRAINED if changed else UNCHANGED)

    def ResumeWorker(self, request: pb.ResumeWorkerRequest, context: grpc.ServicerContext) -> pb.ResumeWorkerResponse:
        """Take jobs again."""
        changed = self._workers.resume_worker(request.worker_id, current_caller(), reason=request.reason)
        return pb.ResumeWorkerResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_RESUMED if changed else UNCHANGED)


def _skipped(result: BulkResult) -> list[pb.SkippedJob]:
    return [pb.SkippedJob(id=job_id, why=why) for job_id, why in result.skipped]

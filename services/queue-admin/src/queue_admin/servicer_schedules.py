"""The contract's methods about schedules: convert in, one call, convert out."""

from __future__ import annotations

import grpc
import structlog

from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2, queue_admin_service_pb2_grpc
from queue_admin.actions import action_of
from queue_admin.schedule_messages import from_schedule, upcoming
from queue_admin.schedules import ScheduleDesk
from queue_engine.engine import QueueEngine
from service_kit.context import current_caller

log = structlog.get_logger()
pb = queue_admin_service_pb2
UNCHANGED = job_pb2.ACTION_OUTCOME_UNCHANGED


class ScheduleMethods(queue_admin_service_pb2_grpc.QueueAdminServiceServicer):
    """The part of the servicer that is about schedules."""

    _engine: QueueEngine
    _schedules: ScheduleDesk

    def UpsertSchedule(
        self, request: pb.UpsertScheduleRequest, context: grpc.ServicerContext
    ) -> pb.UpsertScheduleResponse:
        """Make or change one."""
        done = self._schedules.upsert_schedule(request, current_caller())
        log.info("schedule_upserted", queue=request.queue, schedule=request.schedule_id, dry_run=request.dry_run)
        return pb.UpsertScheduleResponse(
            queue=request.queue,
            id=request.schedule_id,
            created=done.outcome == job_pb2.ACTION_OUTCOME_CREATED and not request.dry_run,
            outcome=done.outcome,
            schedule=from_schedule(done.schedule),
            upcoming=upcoming(done.schedule, done.now_ms),
        )

    def GetSchedule(self, request: pb.GetScheduleRequest, context: grpc.ServicerContext) -> pb.GetScheduleResponse:
        """One, with its data."""
        now_ms, schedule = self._engine.schedules.read_schedule(request.queue, request.schedule_id)
        return pb.GetScheduleResponse(schedule=from_schedule(schedule), upcoming=upcoming(schedule, now_ms))

    def ListSchedules(
        self, request: pb.ListSchedulesRequest, context: grpc.ServicerContext
    ) -> pb.ListSchedulesResponse:
        """All, or those of a queue."""
        found = self._schedules.list_schedules(request.queue or None)
        return pb.ListSchedulesResponse(schedules=[from_schedule(schedule) for schedule in found])

    def PauseSchedule(
        self, request: pb.PauseScheduleRequest, context: grpc.ServicerContext
    ) -> pb.PauseScheduleResponse:
        """Make no more jobs."""
        action = action_of(current_caller(), request.reason)
        changed = self._engine.schedules.pause_schedule(request.queue, request.schedule_id, action=action)
        return pb.PauseScheduleResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_PAUSED if changed else UNCHANGED)

    def ResumeSchedule(
        self, request: pb.ResumeScheduleRequest, context: grpc.ServicerContext
    ) -> pb.ResumeScheduleResponse:
        """Make jobs again."""
        action = action_of(current_caller(), request.reason)
        changed = self._engine.schedules.resume_schedule(request.queue, request.schedule_id, action=action)
        return pb.ResumeScheduleResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_RESUMED if changed else UNCHANGED)

    def RemoveSchedule(
        self, request: pb.RemoveScheduleRequest, context: grpc.ServicerContext
    ) -> pb.RemoveScheduleResponse:
        """Forget one."""
        action = action_of(current_caller(), request.reason)
        self._engine.schedules.remove_schedule(request.queue, request.schedule_id, action=action)
        return pb.RemoveScheduleResponse(success=True, outcome=job_pb2.ACTION_OUTCOME_REMOVED)

    def RunScheduleNow(
        self, request: pb.RunScheduleNowRequest, context: grpc.ServicerContext
    ) -> pb.RunScheduleNowResponse:
        """One job at once."""
        job_id = self._schedules.run_schedule_now(
            request.queue, request.schedule_id, current_caller(), reason=request.reason
        )
        return pb.RunScheduleNowResponse(
            success=True, outcome=job_pb2.ACTION_OUTCOME_ENQUEUED, queue=request.queue, id=job_id
        )

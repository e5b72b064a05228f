"""Schedules as a deployment or an operator's script sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from jobqueue.queue.v1 import queue_admin_service_pb2, queue_admin_service_pb2_grpc, schedule_pb2
from jobqueue_client.calling import Caller
from jobqueue_client.messages import to_data

pb = queue_admin_service_pb2
CatchUp = Literal["one", "skip"]
_CATCH_UP = {"one": schedule_pb2.CATCH_UP_ONE, "skip": schedule_pb2.CATCH_UP_SKIP}
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it is now. Times are ms since the epoch; `data` is None in lists."""

    queue: str
    id: str
    name: str
    data: Any
    recurrence: str
    """When it runs, in words."""
    time_zone: str
    paused: bool
    next_run_at: int | None
    last_run_at: int | None
    last_job_id: str | None
    last_problem: str | None
    """Why its latest run made no job."""
    revision: int


class Schedules:
    """What `JobQueue.schedules` offers. Reading and run_now need a token with the role OPS or ADMIN, the rest ADMIN.

    Every method raises JobQueueError.
    """

    def __init__(self, stub: queue_admin_service_pb2_grpc.QueueAdminServiceStub, caller: Caller) -> None:
        self._stub, self._caller = stub, caller

    def upsert(  # noqa: PLR0913 - all there is to say about a schedule, by keyword
        self,
        queue: str,
        schedule_id: str,
        name: str,
        data: Mapping[str, Any],
        *,
        cron: str = "",
        interval: timedelta | None = None,
        time_zone: str = "UTC",
        catch_up: CatchUp = "one",
        reason: str = "",
    ) -> Schedule:
        """Make a schedule, or change it to exactly this. The same again changes nothing: each deployment may say it."""
        request = pb.UpsertScheduleRequest(
            queue=queue,
            schedule_id=schedule_id,
            name=name,
            data=to_data(data),
            cron=cron or None,
            interval=None if interval is None else round(interval / _MS),
            time_zone=time_zone,
            catch_up=_CATCH_UP[catch_up],
            reason=reason,
        )
        return _schedule(self._caller.call(self._stub.UpsertSchedule, request).schedule)

    def get(self, queue: str, schedule_id: str) -> Schedule:
        """One schedule. Raises JobQueueError SCHEDULE_NOT_FOUND."""
        request = pb.GetScheduleRequest(queue=queue, schedule_id=schedule_id)
        return _schedule(self._caller.call(self._stub.GetSchedule, request).schedule)

    def list(self, queue: str = "") -> list[Schedule]:
        """All schedules, or those of one queue."""
        request = pb.ListSchedulesRequest(queue=queue or None)
        return [_schedule(found) for found in self._caller.call(self._stub.ListSchedules, request).schedules]

    def pause(self, queue: str, schedule_id: str, *, reason: str = "") -> None:
        """Let it make no more jobs."""
        request = pb.PauseScheduleRequest(queue=queue, schedule_id=schedule_id, reason=reason)
        self._caller.call(self._stub.PauseSchedule, request)

    def resume(self, queue: str, schedule_id: str, *, reason: str = "") -> None:
        """Let it make jobs again."""
        request = pb.ResumeScheduleRequest(queue=queue, schedule_id=schedule_id, reason=reason)
        self._caller.call(self._stub.ResumeSchedule, request)

    def remove(self, queue: str, schedule_id: str, *, reason: str = "") -> None:
        """Forget it. After a lost answer the repeated call may raise SCHEDULE_NOT_FOUND."""
        request = pb.RemoveScheduleRequest(queue=queue, schedule_id=schedule_id, reason=reason)
        self._caller.call(self._stub.RemoveSchedule, request)

    def run_now(self, queue: str, schedule_id: str, *, reason: str = "") -> str:
        """Enqueue one of its jobs at once; the job's id. Each call makes another, so that it is tried once only."""
        request = pb.RunScheduleNowRequest(queue=queue, schedule_id=schedule_id, reason=reason)
        return self._caller.call(self._stub.RunScheduleNow, request, may_repeat=False).id


def _schedule(found: schedule_pb2.Schedule) -> Schedule:
    last = found.last_run
    return Schedule(
        queue=found.queue,
        id=found.id,
        name=found.name,
        data=json.loads(found.data) if found.data else None,
        recurrence=found.recurrence,
        time_zone=found.time_zone,
        paused=found.paused,
        next_run_at=found.next_run if found.HasField("next_run") else None,
        last_run_at=last.ran_at if found.HasField("last_run") else None,
        last_job_id=last.job_id if last.HasField("job_id") else None,
        last_problem=last.problem if last.HasField("problem") else None,
        revision=found.revision,
    )

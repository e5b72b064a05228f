"""Cases of schedules. A case's id is that of a schedule whose day comes once in four years."""

from __future__ import annotations

from typing import Any

import httpx

from jobqueue.queue.v1 import job_pb2, schedule_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.rest_cases.case import ADMIN, DATA, NAME, OPS, QUEUE, RAW, SERVICE, TENANT, Case

RARELY = "0 3 29 2 *"


def path(schedule: str, action: str = "") -> str:
    return f"/jobs/schedules/{QUEUE}/{schedule}{action}"


def body(**more: Any) -> dict[str, Any]:
    return {"name": NAME, "data": DATA, "cron": RARELY, "timeZone": "Europe/Berlin", **more}


def upsert(schedule: str, **more: Any) -> pb.UpsertScheduleRequest:
    usual: dict[str, Any] = {"name": NAME, "data": RAW, "cron": RARELY, "time_zone": "Europe/Berlin"}
    return pb.UpsertScheduleRequest(queue=QUEUE, schedule_id=schedule, **{**usual, **more})


def made(client: httpx.Client, schedule: str) -> None:
    client.put(path(schedule), json=body()).raise_for_status()


def paused(client: httpx.Client, schedule: str) -> None:
    made(client, schedule)
    client.post(path(schedule, "/pause"), json={"reason": "a case"}).raise_for_status()


def case(name: str, method: str, request: Any, rest: Any, code: str = "OK", **more: Any) -> Case:
    return Case(name, method, request, rest, code, **{"by": ADMIN, "prepared_by": ADMIN, "numbers": True, **more})


def refused_upsert(name: str, code: str, rest: dict[str, Any], grpc: dict[str, Any], **more: Any) -> Case:
    return case(
        name, "UpsertSchedule", lambda s: upsert(s, **grpc), lambda s: ("PUT", path(s), body(**rest)), code, **more
    )


def action(name: str, method: str, verb: str, code: str = "OK", **more: Any) -> Case:
    kind = getattr(pb, f"{method}Request")
    return case(
        name,
        method,
        lambda s: kind(queue=QUEUE, schedule_id=s, reason="a case"),
        lambda s: ("POST", path(s, f"/{verb}"), {"reason": "a case"}),
        code,
        **more,
    )


CASES: list[Case] = [
    case(
        "make a schedule with all there is",
        "UpsertSchedule",
        lambda s: upsert(
            s,
            opts=schedule_pb2.ScheduleOptions(
                priority=3,
                attempts=5,
                backoff=job_pb2.Backoff(type=job_pb2.BACKOFF_TYPE_FIXED, delay=500),
                timeout=9_000,
            ),
            catch_up=schedule_pb2.CATCH_UP_SKIP,
            revision=0,
            reason="a case",
        ),
        lambda s: (
            "PUT",
            path(s),
            body(
                opts={"priority": 3, "attempts": 5, "backoff": {"type": "fixed", "delay": 500}, "timeout": 9_000},
                catchUp="skip",
                revision=0,
                reason="a case",
            ),
        ),
    ),
    case(
        "make a schedule by interval",
        "UpsertSchedule",
        lambda s: pb.UpsertScheduleRequest(queue=QUEUE, schedule_id=s, name=NAME, data=RAW, interval=31_536_000_000),
        lambda s: ("PUT", path(s), {"name": NAME, "data": DATA, "interval": 31_536_000_000}),
    ),
    case(
        "make a schedule again the same",
        "UpsertSchedule",
        upsert,
        lambda s: ("PUT", path(s), body()),
        prepare=made,
    ),
    case(
        "what a change of a schedule would do",
        "UpsertSchedule",
        lambda s: upsert(s, cron="0 0 1 1 *", dry_run=True),
        lambda s: ("PUT", path(s), body(cron="0 0 1 1 *", dryRun=True)),
        prepare=made,
    ),
    refused_upsert("make a schedule that is there", "WRONG_STATE", {"revision": 0}, {"revision": 0}, prepare=made),
    refused_upsert("a schedule of an unknown type", "JOB_TYPE_UNKNOWN", {"name": "none"}, {"name": "none"}, loose=True),
    refused_upsert("a schedule whose data does not fit", "PAYLOAD_INVALID", {"data": {}}, {"data": b"{}"}),
    refused_upsert(
        "a schedule whose cron cannot be read", "INVALID_REQUEST", {"cron": "0 25 * * *"}, {"cron": "0 25 * * *"}
    ),
    refused_upsert("a schedule with cron and interval", "INVALID_REQUEST", {"interval": 60_000}, {"interval": 60_000}),
    refused_upsert("a schedule too often", "INVALID_REQUEST", {"interval": 10}, {"interval": 10}),
    refused_upsert("a schedule in no time zone", "INVALID_REQUEST", {"timeZone": "Mars"}, {"time_zone": "Mars"}),
    refused_upsert("a schedule by an operator", "ROLE_REQUIRED", {}, {}, by=OPS),
    refused_upsert("a schedule by a backend", "ROLE_REQUIRED", {}, {}, by=SERVICE),
    case(
        "read a schedule",
        "GetSchedule",
        lambda s: pb.GetScheduleRequest(queue=QUEUE, schedule_id=s),
        lambda s: ("GET", path(s)),
        prepare=made,
        by=OPS,
    ),
    case(
        "read an unknown schedule",
        "GetSchedule",
        lambda s: pb.GetScheduleRequest(queue=QUEUE, schedule_id=s),
        lambda s: ("GET", path(s)),
        "SCHEDULE_NOT_FOUND",
    ),
    case(
        "read a schedule as a tenant",
        "GetSchedule",
        lambda s: pb.GetScheduleRequest(queue=QUEUE, schedule_id=s),
        lambda s: ("GET", path(s)),
        "ROLE_REQUIRED",
        by=TENANT,
    ),
    case(
        "list the schedules of a queue",
        "ListSchedules",
        lambda _: pb.ListSchedulesRequest(queue="tickets"),
        lambda _: ("GET", "/jobs/schedules?queue=tickets"),
        by=OPS,
    ),
    case(
        "list the schedules of no queue",
        "ListSchedules",
        lambda _: pb.ListSchedulesRequest(queue="none"),
        lambda _: ("GET", "/jobs/schedules?queue=none"),
        "QUEUE_NOT_FOUND",
    ),
    action("pause a schedule", "PauseSchedule", "pause", prepare=made),
    action("pause a paused schedule", "PauseSchedule", "pause", prepare=paused),
    action("pause a schedule as an operator", "PauseSchedule", "pause", "ROLE_REQUIRED", prepare=made, by=OPS),
    action("resume a schedule", "ResumeSchedule", "resume", prepare=paused),
    action("resume an unknown schedule", "ResumeSchedule", "resume", "SCHEDULE_NOT_FOUND"),
    action("remove a schedule", "RemoveSchedule", "remove", prepare=made),
    action("remove an unknown schedule", "RemoveSchedule", "remove", "SCHEDULE_NOT_FOUND"),
    action("run an unknown schedule", "RunScheduleNow", "run", "SCHEDULE_NOT_FOUND", by=OPS),
    action("run a schedule as a backend", "RunScheduleNow", "run", "ROLE_REQUIRED", by=SERVICE),
    action("run a paused schedule as an operator", "RunScheduleNow", "run", prepare=paused, by=OPS, loose=True),
]

from __future__ import annotations

import urllib.request
from typing import Any

import orjson
import pytest

from fixtures.queue_admin import RunningQueueAdmin, StartQueueAdmin, Stub, a_job_type
from jobqueue.audit.v1 import audit_service_pb2 as audit
from jobqueue.queue.v1 import job_pb2, schedule_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_admin.job_types import JobTypeRegistry
from queue_admin.loops.scheduler import EVERY_SECONDS, Scheduler
from queue_admin.schedules import ScheduleDesk
from queue_engine.domain.job import JobState
from support.calls import refused
from support.waiting import wait_until

DATA = b'{"ticketId":"{date}"}'
RARELY = "0 3 29 2 *"


@pytest.fixture
def olga(queue_admin: RunningQueueAdmin) -> Stub:
    return queue_admin.stub("ADMIN", sub="olga")


def a_request(schedule_id: str = "nightly", **fields: Any) -> pb.UpsertScheduleRequest:
    usual: dict[str, Any] = {"queue": "tickets", "name": "ticket.created", "data": DATA, "cron": RARELY}
    if "interval" in fields:
        del usual["cron"]
    return pb.UpsertScheduleRequest(schedule_id=schedule_id, **{**usual, **fields})


def jobs(admin: RunningQueueAdmin) -> list[str]:
    return [job.job_id for job in admin.engine.list_jobs("tickets", JobState.WAITING, offset=0, limit=100).jobs]


def test_a_schedule_runs_once_a_second_although_two_services_try(
    start_queue_admin: StartQueueAdmin, queue_admin: RunningQueueAdmin, olga: Stub, valkey_url: str
) -> None:
    start_queue_admin(valkey_url)
    olga.UpsertSchedule(a_request(interval=1_000))

    wait_until(lambda: len(jobs(queue_admin)) >= 3, within=20)
    olga.PauseSchedule(pb.PauseScheduleRequest(queue="tickets", schedule_id="nightly"))

    schedule = olga.GetSchedule(pb.GetScheduleRequest(queue="tickets", schedule_id="nightly")).schedule
    assert len(jobs(queue_admin)) == schedule.runs_total == len(set(jobs(queue_admin)))
    assert schedule.last_run.outcome == schedule_pb2.SCHEDULE_RUN_OUTCOME_ENQUEUED
    assert schedule.last_run.job_id in jobs(queue_admin)
    job = queue_admin.engine.get_job("tickets", schedule.last_run.job_id).job
    assert job.owner == "schedule:nightly"
    assert job.due_at_ms is None
    assert len(orjson.loads(job.data)["ticketId"]) == len("2026-11-26")


def test_the_scheduler_waits_no_longer_than_until_the_next_schedule_is_due(
    queue_admin: RunningQueueAdmin, olga: Stub
) -> None:
    engine = queue_admin.engine
    scheduler = Scheduler(engine, ScheduleDesk(engine, JobTypeRegistry(engine)))
    scheduler.tick()
    assert scheduler.wait_seconds() == EVERY_SECONDS

    olga.UpsertSchedule(a_request(interval=86_400_000))
    olga.UpsertSchedule(a_request("soon", interval=1_000))

    def wait_after_a_pass() -> float:
        scheduler.tick()
        return scheduler.wait_seconds()

    wait_until(lambda: wait_after_a_pass() < EVERY_SECONDS / 2)


def test_every_change_is_in_the_audit_log(queue_admin: RunningQueueAdmin, olga: Stub) -> None:
    by = {"queue": "tickets", "schedule_id": "nightly", "reason": "because"}
    olga.UpsertSchedule(a_request(reason="because"))
    olga.PauseSchedule(pb.PauseScheduleRequest(**by))
    olga.ResumeSchedule(pb.ResumeScheduleRequest(**by))
    ran = olga.RunScheduleNow(pb.RunScheduleNowRequest(**by))
    olga.RemoveSchedule(pb.RemoveScheduleRequest(**by))

    entries = queue_admin.recorded()

    assert [(entry.action, entry.actor, entry.reason) for entry in entries] == [
        (action, "olga", "because")
        for action in (
            audit.AUDIT_ACTION_SCHEDULE_UPSERT,
            audit.AUDIT_ACTION_SCHEDULE_PAUSE,
            audit.AUDIT_ACTION_SCHEDULE_RESUME,
            audit.AUDIT_ACTION_SCHEDULE_RUN,
            audit.AUDIT_ACTION_SCHEDULE_REMOVE,
        )
    ]
    assert all(orjson.loads(entry.detail)["schedule"] == "nightly" for entry in entries)
    assert entries[3].job_id == ran.id
    assert jobs(queue_admin) == [ran.id]


def test_a_dry_run_says_what_would_be_and_changes_nothing(queue_admin: RunningQueueAdmin, olga: Stub) -> None:
    would = olga.UpsertSchedule(a_request(cron="0 6 * * *", time_zone="Europe/Berlin", dry_run=True))

    assert (would.created, would.outcome) == (False, job_pb2.ACTION_OUTCOME_CREATED)
    assert would.schedule.recurrence == "At 06:00 every day (Europe/Berlin)"
    assert len(would.upcoming) == 5
    assert would.upcoming[0] == would.schedule.next_run
    assert olga.ListSchedules(pb.ListSchedulesRequest()).schedules == []
    assert queue_admin.recorded() == []


def test_a_dry_run_of_the_same_again_says_that_nothing_would_change(olga: Stub) -> None:
    olga.UpsertSchedule(a_request())

    assert olga.UpsertSchedule(a_request(dry_run=True)).outcome == job_pb2.ACTION_OUTCOME_UNCHANGED
    assert olga.UpsertSchedule(a_request()).outcome == job_pb2.ACTION_OUTCOME_UNCHANGED


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"name": "none"}, "JOB_TYPE_UNKNOWN", "name"),
        ({"data": b'{"ticketId":7}'}, "PAYLOAD_INVALID", "data.ticketId"),
        ({"data": b"[]"}, "PAYLOAD_INVALID", "data"),
        ({"cron": "0 0 30 2 *"}, "INVALID_REQUEST", "cron"),
        ({"time_zone": "Mars"}, "INVALID_REQUEST", "timeZone"),
        ({"cron": ""}, "INVALID_REQUEST", "cron"),
    ],
    ids=["type", "payload", "no object", "never", "zone", "no time"],
)
def test_what_could_make_no_job_is_refused_when_it_is_written(
    olga: Stub, fields: dict[str, Any], reason: str, field: str
) -> None:
    with refused(reason) as refusal:
        olga.UpsertSchedule(a_request(**fields))

    assert list(refusal.fields) == [field]


def test_a_run_whose_payload_no_longer_fits_is_noted_as_failed_with_the_reason(
    queue_admin: RunningQueueAdmin, olga: Stub
) -> None:
    olga.UpsertSchedule(a_request(interval=1_000))
    strict = {"type": "object", "required": ["landlordId"]}
    queue_admin.register(a_job_type(version=2, schema=strict))

    def failed() -> schedule_pb2.Schedule | None:
        found = olga.GetSchedule(pb.GetScheduleRequest(queue="tickets", schedule_id="nightly")).schedule
        return found if found.failed_total else None

    schedule = wait_until(failed, within=20)
    assert schedule is not None
    assert schedule.last_run.outcome == schedule_pb2.SCHEDULE_RUN_OUTCOME_FAILED
    assert schedule.last_run.problem.startswith("PAYLOAD_INVALID: ")
    assert "data.landlordId is required" in schedule.last_run.problem
    olga.PauseSchedule(pb.PauseScheduleRequest(queue="tickets", schedule_id="nightly"))
    assert 'queue_schedules_failing{queue="tickets"} 1.0' in metrics(queue_admin)
    assert 'queue_schedules_paused{queue="tickets"} 1.0' in metrics(queue_admin)


def test_what_schedules_do_is_measured(queue_admin: RunningQueueAdmin, olga: Stub) -> None:
    olga.UpsertSchedule(a_request())
    for _ in range(2):
        olga.RunScheduleNow(pb.RunScheduleNowRequest(queue="tickets", schedule_id="nightly"))

    text = metrics(queue_admin)

    assert 'queue_schedule_runs_total{outcome="enqueued",queue="tickets"} 2.0' in text
    assert 'queue_schedule_overdue_seconds{queue="tickets"} 0.0' in text


def metrics(admin: RunningQueueAdmin) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{admin.service.metrics_port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_a_list_shows_all_queues_without_the_data(olga: Stub) -> None:
    olga.UpsertSchedule(a_request("b"))
    olga.UpsertSchedule(a_request("a", queue="notifications", name="send-notification"))
    olga.UpsertSchedule(a_request("a"))

    listed = olga.ListSchedules(pb.ListSchedulesRequest()).schedules

    assert [(found.queue, found.id) for found in listed] == [("notifications", "a"), ("tickets", "a"), ("tickets", "b")]
    assert all(found.data == b"" for found in listed)
    only = olga.ListSchedules(pb.ListSchedulesRequest(queue="tickets")).schedules
    assert [found.id for found in only] == ["a", "b"]


def test_a_schedule_that_comes_with_a_job_type_is_made_once(queue_admin: RunningQueueAdmin, olga: Stub) -> None:
    job_type = a_job_type(version=2)
    job_type.default_schedule.CopyFrom(job_pb2.DefaultSchedule(id="daily", cron="0 6 * * *", data=DATA))
    queue_admin.register(job_type)

    made = olga.GetSchedule(pb.GetScheduleRequest(queue="tickets", schedule_id="daily")).schedule
    assert (made.name, made.cron, made.time_zone) == ("ticket.created", "0 6 * * *", "UTC")
    assert olga.ListJobTypes(pb.ListJobTypesRequest()).job_types[-1].default_schedule.id == "daily"
    olga.RemoveSchedule(pb.RemoveScheduleRequest(queue="tickets", schedule_id="daily"))
    queue_admin.register(job_type)
    assert olga.ListSchedules(pb.ListSchedulesRequest()).schedules == []


def test_a_job_type_whose_schedule_cannot_be_meant_is_refused_as_a_whole(queue_admin: RunningQueueAdmin) -> None:
    job_type = a_job_type("ticket.new")
    job_type.default_schedule.CopyFrom(job_pb2.DefaultSchedule(id="daily", cron="daily"))

    with refused("INVALID_REQUEST") as refusal:
        queue_admin.register(job_type)

    assert list(refusal.fields) == ["jobTypes[0].defaultSchedule.cron"]

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
import redis

from engine.builders import QUEUE, an_action, keys_of
from engine.schedules import HOURLY, Runner, a_spec, upsert
from queue_engine.domain.errors import InvalidArgument, QueueReserved, ScheduleChanged, ScheduleNotFound
from queue_engine.domain.job import DEAD_LETTER_QUEUE
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import MAX_SCHEDULES, ScheduleSpec
from queue_engine.engine import QueueEngine

HOUR = 3_600_000
pytestmark = pytest.mark.usefixtures("runner")  # which sets the queue up


def actions(engine: QueueEngine) -> list[str]:
    return [record.action for record in engine.claim_audit(QUEUE, shipper="test", lease_ms=1_000)]


def test_a_new_schedule_is_due_at_its_next_time_by_the_stores_clock(engine: QueueEngine) -> None:
    made = upsert(engine)

    now_ms, found = engine.schedules.read_schedule(QUEUE, "nightly")
    assert found == made
    assert found.next_run_ms == HOURLY.next_after(now_ms)
    assert (found.created_by, found.updated_by, found.runs) == ("ops@local", "ops@local", 0)


def test_making_it_again_the_same_changes_and_records_nothing(engine: QueueEngine) -> None:
    made = upsert(engine)

    again, changed = engine.schedules.upsert_schedule(
        QUEUE, replace(a_spec(), data=b'{ "ticketId": 1 }'), action=an_action()
    )

    assert (again, changed) == (made, False)
    assert actions(engine) == ["schedule_upsert"]


def test_a_change_is_recorded_with_what_was_and_what_is(engine: QueueEngine) -> None:
    upsert(engine)
    changed = upsert(engine, a_spec(recurrence=Recurrence("0 6 * * *")))

    assert changed.spec.recurrence.cron == "0 6 * * *"
    first, second = engine.claim_audit(QUEUE, shipper="test", lease_ms=1_000)
    assert (second.action, second.actor, second.reason) == ("schedule_upsert", "ops@local", "because")
    assert orjson.loads(first.detail)["was"] is None
    detail = orjson.loads(second.detail)
    assert (detail["was"]["recurrence"]["interval_ms"], detail["is"]["recurrence"]["cron"]) == (HOUR, "0 6 * * *")
    assert detail["is"]["data"] == {"ticketId": 1}


def test_a_change_of_another_revision_than_the_caller_knows_is_refused(engine: QueueEngine) -> None:
    revision = upsert(engine, revision=0).revision
    upsert(engine, a_spec(priority=1), revision=revision)

    with pytest.raises(ScheduleChanged):
        upsert(engine, a_spec(priority=2), revision=revision)
    with pytest.raises(ScheduleChanged):
        upsert(engine, a_spec(priority=2), revision=0)
    assert engine.schedules.get_schedule(QUEUE, "nightly").spec.priority == 1


def test_a_paused_schedule_is_never_due_and_stays_paused_when_it_is_changed(
    engine: QueueEngine, runner: Runner
) -> None:
    upsert(engine)
    runner.make_due("nightly")

    assert engine.schedules.pause_schedule(QUEUE, "nightly", action=an_action("a holiday"))
    assert not engine.schedules.pause_schedule(QUEUE, "nightly", action=an_action())
    changed = upsert(engine, a_spec(priority=3))

    assert (changed.paused, changed.paused_by, changed.paused_reason) == (True, "ops@local", "a holiday")
    assert runner.run_due() == []


def test_a_resumed_schedule_waits_for_its_next_time_and_missed_none(engine: QueueEngine, runner: Runner) -> None:
    upsert(engine)
    runner.make_due("nightly", late_ms=5 * HOUR)
    engine.schedules.pause_schedule(QUEUE, "nightly", action=an_action())

    assert engine.schedules.resume_schedule(QUEUE, "nightly", action=an_action())
    assert not engine.schedules.resume_schedule(QUEUE, "nightly", action=an_action())

    now_ms, found = engine.schedules.read_schedule(QUEUE, "nightly")
    assert (found.paused, found.next_run_ms, found.missed) == (False, HOURLY.next_after(now_ms), 0)
    assert actions(engine) == ["schedule_upsert", "schedule_pause", "schedule_resume"]


def test_a_removed_schedule_is_gone_and_its_record_keeps_what_it_said(engine: QueueEngine, client: redis.Redis) -> None:
    upsert(engine)

    engine.schedules.remove_schedule(QUEUE, "nightly", action=an_action("no longer"))

    assert engine.schedules.list_schedules(QUEUE).schedules == ()
    assert keys_of(client, f"jobs:{{{QUEUE}}}:sc:*") == []
    record = engine.claim_audit(QUEUE, shipper="test", lease_ms=1_000)[-1]
    assert record.action == "schedule_remove"
    assert orjson.loads(record.detail)["was"]["name"] == "ticket.created"
    assert orjson.loads(record.detail)["data"] == {"ticketId": 1}


def test_what_is_not_there_is_not_found(engine: QueueEngine) -> None:
    for act in (
        engine.schedules.pause_schedule,
        engine.schedules.resume_schedule,
        engine.schedules.remove_schedule,
    ):
        with pytest.raises(ScheduleNotFound):
            act(QUEUE, "nothing", action=an_action())
    with pytest.raises(ScheduleNotFound):
        engine.schedules.get_schedule(QUEUE, "nothing")
    with pytest.raises(QueueReserved):
        engine.schedules.list_schedules(DEAD_LETTER_QUEUE)


@pytest.mark.parametrize(
    "spec",
    [a_spec(".."), a_spec("a:b"), a_spec(recurrence=Recurrence("hourly")), a_spec(data=b"{")],
    ids=["dots", "colon", "cron", "data"],
)
def test_a_schedule_that_cannot_be_meant_is_refused(engine: QueueEngine, spec: ScheduleSpec) -> None:
    with pytest.raises(InvalidArgument):
        upsert(engine, spec)


def test_a_queue_has_a_bounded_number_of_schedules(engine: QueueEngine) -> None:
    for number in range(MAX_SCHEDULES):
        upsert(engine, a_spec(f"s{number}"))

    with pytest.raises(InvalidArgument, match="at most 200"):
        upsert(engine, a_spec("one-more"))
    assert not upsert(engine, a_spec("s7", priority=1)).paused
    assert len(engine.schedules.list_schedules(QUEUE).schedules) == MAX_SCHEDULES


def test_a_default_schedule_is_made_once_and_never_undoes_what_people_did(engine: QueueEngine) -> None:
    assert engine.schedules.create_default_schedule(QUEUE, a_spec(), action=an_action())
    assert actions(engine) == []
    upsert(engine, a_spec(priority=5))
    assert not engine.schedules.create_default_schedule(QUEUE, a_spec(), action=an_action())
    assert engine.schedules.get_schedule(QUEUE, "nightly").spec.priority == 5

    engine.schedules.remove_schedule(QUEUE, "nightly", action=an_action())

    assert not engine.schedules.create_default_schedule(QUEUE, a_spec(), action=an_action())
    assert engine.schedules.list_schedules(QUEUE).schedules == ()

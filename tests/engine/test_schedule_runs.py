from __future__ import annotations

import orjson
import pytest
import redis

from engine.builders import QUEUE, a_job, an_action, keys_of
from engine.schedules import HOURLY, Runner, a_spec, ids_in, job_of, upsert
from queue_engine.domain.errors import ScheduleChanged, StoreFull
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import CatchUp, RunOutcome
from queue_engine.engine import QueueEngine
from queue_engine.store.keys import meta_key

HOUR = 3_600_000
pytestmark = pytest.mark.usefixtures("runner")  # which sets the queue up


def test_a_due_schedule_makes_its_job_and_waits_for_the_following_time(engine: QueueEngine, runner: Runner) -> None:
    upsert(engine)
    due = runner.make_due("nightly")

    assert runner.run_due() == ["enqueued"]
    assert runner.run_due() == []

    now_ms, found = engine.schedules.read_schedule(QUEUE, "nightly")
    assert ids_in(engine) == [found.spec.job_id_at(due)]
    assert found.next_run_ms == HOURLY.next_after(now_ms)
    assert found.last_run is not None
    assert (found.last_run.outcome, found.last_run.due_ms, found.last_run.job_id) == (
        RunOutcome.ENQUEUED,
        due,
        found.spec.job_id_at(due),
    )
    assert (found.runs, engine.count_jobs(QUEUE).totals["schedule_runs"]) == (1, 1)


def test_of_two_who_read_the_same_due_time_one_runs_it(engine: QueueEngine, runner: Runner) -> None:
    upsert(engine)
    runner.make_due("nightly")
    due = engine.schedules.list_due_schedules(QUEUE)

    outcomes = [runner.run(due.schedules[0], due.now_ms) for _ in range(2)]

    assert outcomes == ["enqueued", None]
    assert engine.count_jobs(QUEUE).totals["added"] == 1


def test_a_run_of_what_was_changed_meanwhile_does_nothing(engine: QueueEngine, runner: Runner) -> None:
    upsert(engine)
    due_ms = runner.make_due("nightly")
    due = engine.schedules.list_due_schedules(QUEUE)
    engine.schedules.remove_schedule(QUEUE, "nightly", action=an_action())
    upsert(engine, a_spec(data=b'{"ticketId":2}'))
    assert runner.make_due("nightly") == due_ms

    assert runner.run(due.schedules[0], due.now_ms) is None
    assert runner.run_due() == ["enqueued"]
    assert engine.get_job(QUEUE, due.schedules[0].spec.job_id_at(due_ms)).job.data == b'{"ticketId":2}'


def test_a_clock_that_is_ahead_of_the_stores_runs_nothing_early(engine: QueueEngine, runner: Runner) -> None:
    made = upsert(engine)
    now_ms, _ = engine.schedules.read_schedule(QUEUE, "nightly")

    assert runner.run(made, now_ms + 2 * HOUR) is None
    assert engine.schedules.get_schedule(QUEUE, "nightly") == made


def test_of_many_missed_times_the_latest_is_run_and_the_others_are_counted(engine: QueueEngine, runner: Runner) -> None:
    upsert(engine)
    runner.make_due("nightly", late_ms=5 * HOUR)

    assert runner.run_due() == ["enqueued"]
    assert runner.run_due() == []

    found = engine.schedules.get_schedule(QUEUE, "nightly")
    assert len(ids_in(engine)) == 1
    assert found.last_run is not None
    assert found.last_run.due_ms == (found.next_run_ms or 0) - HOUR
    assert (found.last_run.missed, found.missed, engine.count_jobs(QUEUE).totals["schedule_missed"]) == (5, 5, 5)


def test_with_skip_a_time_that_is_a_minute_late_is_left_out(engine: QueueEngine, runner: Runner) -> None:
    daily = Recurrence(interval_ms=24 * HOUR)
    upsert(engine, a_spec(recurrence=daily, catch_up=CatchUp.SKIP))
    upsert(engine, a_spec("prompt", Recurrence(interval_ms=30_000), catch_up=CatchUp.SKIP))
    runner.make_due("nightly", late_ms=60_001)
    runner.make_due("prompt", late_ms=60_001)

    assert sorted(map(str, runner.run_due())) == ["enqueued", "skipped"]

    found = engine.schedules.get_schedule(QUEUE, "nightly")
    assert (found.runs, found.missed, found.failed) == (0, 1, 0)
    assert engine.schedules.get_schedule(QUEUE, "prompt").missed >= 2


def test_a_run_that_makes_no_job_says_why_and_the_schedule_goes_on(engine: QueueEngine, runner: Runner) -> None:
    upsert(engine)
    runner.make_due("nightly")
    due = engine.schedules.list_due_schedules(QUEUE)

    assert runner.run(due.schedules[0], due.now_ms, problem="JOB_TYPE_UNKNOWN: there is none") == "failed"

    found = engine.schedules.get_schedule(QUEUE, "nightly")
    assert found.is_failing
    assert found.last_run is not None
    assert found.last_run.problem == "JOB_TYPE_UNKNOWN: there is none"
    assert (found.failed, engine.count_jobs(QUEUE).totals["schedule_failed"]) == (1, 1)
    runner.make_due("nightly")
    assert runner.run_due() == ["enqueued"]
    assert not engine.schedules.get_schedule(QUEUE, "nightly").is_failing


def test_a_job_that_is_there_already_is_not_made_twice(engine: QueueEngine, runner: Runner) -> None:
    schedule = upsert(engine)
    due = runner.make_due("nightly")
    engine.enqueue_job(QUEUE, job_of(schedule, due))

    assert runner.run_due() == ["known"]
    assert len(ids_in(engine)) == 1


def test_an_id_that_belongs_to_another_job_makes_the_run_fail_in_words(engine: QueueEngine, runner: Runner) -> None:
    schedule = upsert(engine)
    due = runner.make_due("nightly")
    engine.enqueue_job(QUEUE, a_job(schedule.spec.job_id_at(due), data=b'{"other":1}'))

    assert runner.run_due() == ["failed"]
    last_run = engine.schedules.get_schedule(QUEUE, "nightly").last_run
    assert last_run is not None
    assert last_run.problem is not None
    assert last_run.problem.startswith("ID_CONFLICT")


def test_a_time_that_was_run_is_not_run_again_by_a_clock_set_back(engine: QueueEngine, runner: Runner) -> None:
    upsert(engine)
    runner.make_due("nightly")
    runner.run_due()
    found = engine.schedules.get_schedule(QUEUE, "nightly")

    assert found.upcoming(found.last_due_ms - 3 * HOUR) == found.last_due_ms + HOUR


def test_a_full_store_leaves_a_run_due_until_there_is_room(
    engine: QueueEngine, runner: Runner, client: redis.Redis
) -> None:
    upsert(engine)
    runner.make_due("nightly", late_ms=HOUR)
    client.config_set("maxmemory", 1)

    with pytest.raises(StoreFull):
        runner.run_due()

    now_ms, found = engine.schedules.read_schedule(QUEUE, "nightly")
    assert found.overdue_ms(now_ms) >= HOUR
    client.config_set("maxmemory", 0)
    assert runner.run_due() == ["enqueued"]


def test_the_schedulers_hear_when_the_next_is_due(engine: QueueEngine, runner: Runner) -> None:
    later = upsert(engine)
    upsert(engine, a_spec("paused"))
    engine.schedules.pause_schedule(QUEUE, "paused", action=an_action())
    assert engine.schedules.list_due_schedules(QUEUE).next_ms == later.next_run_ms

    engine.schedules.remove_schedule(QUEUE, "nightly", action=an_action())

    assert engine.schedules.list_due_schedules(QUEUE).next_ms is None


def test_a_run_by_hand_is_recorded_and_leaves_the_next_time_as_it_is(engine: QueueEngine) -> None:
    schedule = upsert(engine)

    engine.schedules.run_schedule_now(schedule, a_job("nightly:by-hand-1"), action=an_action("at once"))

    found = engine.schedules.get_schedule(QUEUE, "nightly")
    assert ids_in(engine) == ["nightly:by-hand-1"]
    assert found.next_run_ms == schedule.next_run_ms
    assert found.last_run is not None
    assert (found.last_run.run_by, found.last_run.due_ms, found.runs) == ("ops@local", None, 1)
    record = engine.claim_audit(QUEUE, shipper="test", lease_ms=1_000)[-1]
    assert (record.action, record.job_id, record.reason) == ("schedule_run", "nightly:by-hand-1", "at once")


def test_a_run_by_hand_of_what_was_changed_meanwhile_is_refused(engine: QueueEngine) -> None:
    schedule = upsert(engine)
    upsert(engine, a_spec(priority=9))

    with pytest.raises(ScheduleChanged):
        engine.schedules.run_schedule_now(schedule, a_job("x"), action=an_action())
    assert ids_in(engine) == []


def test_what_stands_for_day_and_time_is_that_of_the_due_time_in_its_zone() -> None:
    spec = a_spec(
        recurrence=Recurrence("30 0 * * *", time_zone="Europe/Berlin"), data=b'{"day":"{date}","at":"{dueAt}"}'
    )
    due = Recurrence("30 0 * * *", time_zone="Europe/Berlin").next_after(1_795_000_000_000)

    assert orjson.loads(spec.data_at(due)) == {"day": "2026-11-19", "at": "2026-11-19T00:30:00+01:00"}
    assert spec.job_id_at(due) == "nightly:20261118T233000Z"


def test_revisions_are_never_used_twice(engine: QueueEngine, client: redis.Redis) -> None:
    first = upsert(engine).revision
    engine.schedules.remove_schedule(QUEUE, "nightly", action=an_action())

    assert upsert(engine).revision > first
    assert client.hget(meta_key(QUEUE), "schedule_revisions") == b"2"


@pytest.mark.parametrize("broken", ["a hash without a word", "no hash", "nothing"])
def test_a_schedule_that_cannot_be_read_holds_up_no_other_and_can_be_removed(
    engine: QueueEngine, runner: Runner, client: redis.Redis, broken: str
) -> None:
    upsert(engine)
    runner.make_due("nightly")
    key = f"jobs:{{{QUEUE}}}:sc:broken"
    client.zadd(f"jobs:{{{QUEUE}}}:schedules", {"broken": 1})
    if broken == "no hash":
        client.set(key, "x")
    elif broken == "a hash without a word":
        client.hset(key, mapping={"spec": "{", "rev": "one"})

    assert runner.run_due() == ["enqueued"]
    assert engine.schedules.list_schedules(QUEUE).unreadable == ("broken",)

    engine.schedules.remove_schedule(QUEUE, "broken", action=an_action("it is broken"))
    assert engine.schedules.list_schedules(QUEUE).unreadable == ()
    assert keys_of(client, key) == []
    record = engine.claim_audit(QUEUE, shipper="test", lease_ms=1_000)[-1]
    assert orjson.loads(record.detail) == {"schedule": "broken", "was": None, "data": None}

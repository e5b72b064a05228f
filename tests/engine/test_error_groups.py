from __future__ import annotations

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, keys_of
from queue_engine.domain.error_group import ErrorGroup
from queue_engine.domain.errors import InvalidArgument, QueueNotFound
from queue_engine.domain.job import DEAD_LETTER_QUEUE, IfExists, JobState, Retention
from queue_engine.domain.lease import Deferred, Failed
from queue_engine.engine import JobFilter, QueueEngine

FAILED = JobState.FAILED


def bury(
    engine: QueueEngine, job_id: str, reason: str = "boom", *, queue: str = QUEUE, name: str = "ticket.created"
) -> None:
    engine.enqueue_job(queue, a_job(job_id, name=name))
    Worker(engine, queue=queue).run(a_failure(reason, retry_delay_ms=None))


def groups_of(engine: QueueEngine, queue: str = QUEUE) -> tuple[ErrorGroup, ...]:
    return engine.list_error_groups(queue, limit=500).groups


def sizes(engine: QueueEngine, queue: str = QUEUE) -> dict[str, int]:
    return {group.line: group.count for group in groups_of(engine, queue)}


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("boom", "boom"),
        ("HTTP 503 after 3 tries in 1.25 s.", "HTTP <number> after <number> tries in <number> s."),
        ("ticket-17 of user_4 is gone", "ticket-<number> of user_<number> is gone"),
        ("no answer from 10.0.0.7:5432, twice", "no answer from <number>, twice"),
        ("<Lock at 0x7f3a5c>, or at 0xff", "<Lock at <hex>>, or at <hex>"),
        ("digest 9f86d081884c7d65 differs from decade", "digest <hex> differs from decade"),
        ("no ticket 6ba7b810-9dad-11d1-80b4-00c04fd430c8 here", "no ticket <uuid> here"),
        ("cannot parse \"a, b\" or 'c' or `d`", "cannot parse <text> or <text> or <text>"),
        ("Anna can't read what's there", "Anna can't read what's there"),
        ("['a', 'b']: ''", "[<text>, <text>]: <text>"),
        ("\n \r\n  first\tline  \nsecond line 5", "first line"),
        ("été 2026, déjà là", "été <number>, déjà là"),
        ("", ""),
        ("é" * 300, "é" * 100),
    ],
)
def test_what_differs_from_job_to_job_is_left_out_of_the_line(engine: QueueEngine, reason: str, line: str) -> None:
    bury(engine, "job-1", reason)

    assert [group.line for group in groups_of(engine)] == [line]


@given(reason=st.text(max_size=1_000))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_an_error_says_its_job_is_in_one_group(engine: QueueEngine, reason: str) -> None:
    bury(engine, "job-1", reason)

    (group,) = groups_of(engine)

    assert group.count == 1
    assert len(group.line.encode()) <= 200
    assert not group.line.isascii() or group.line == " ".join(group.line.split())
    engine.remove_job(QUEUE, "job-1", action=an_action())


def test_jobs_of_one_type_class_and_line_are_one_group(engine: QueueEngine) -> None:
    for number in range(3):
        bury(engine, f"job-{number}", f"no ticket {number}")
    bury(engine, "quoted", "no ticket 9", name="ticket.quoted")
    engine.enqueue_job(QUEUE, a_job("other-class"))
    Worker(engine).run(Failed("no ticket 1", "KeyError", ""))

    found = [(group.name, group.error_class, group.line, group.count) for group in groups_of(engine)]

    assert found[0] == ("ticket.created", "ValueError", "no ticket <number>", 3)
    assert sorted(found[1:]) == [
        ("ticket.created", "KeyError", "no ticket <number>", 1),
        ("ticket.quoted", "ValueError", "no ticket <number>", 1),
    ]


def test_a_group_knows_when_its_first_and_its_latest_job_failed(engine: QueueEngine) -> None:
    bury(engine, "first")
    bury(engine, "between")
    bury(engine, "latest")

    (group,) = groups_of(engine)

    ended = {job_id: engine.get_job(QUEUE, job_id).job.finished_at_ms for job_id in ("first", "latest")}
    assert (group.first_seen_ms, group.last_seen_ms) == (ended["first"], ended["latest"])


def test_cancelled_jobs_are_groups_of_their_own_even_when_the_words_agree(engine: QueueEngine) -> None:
    engine.enqueue_jobs(QUEUE, [a_job("dead"), a_job("cancelled")])
    worker = Worker(engine)
    for lease in worker.take(1):
        worker.report(lease, Failed("not wanted", "", "", retry_delay_ms=None))
    engine.cancel_job(QUEUE, "cancelled", action=an_action("not wanted"))

    found = {group.dead: group for group in groups_of(engine)}

    assert (found[True].line, found[False].line) == ("not wanted", "not wanted")
    assert [
        [job.job_id for job in engine.list_jobs(QUEUE, FAILED, offset=0, limit=9, group=found[dead].group_id).jobs]
        for dead in (True, False)
    ] == [["dead"], ["cancelled"]]


def test_every_way_to_fail_leads_into_a_group(engine: QueueEngine, clock: Clock, client: redis.Redis) -> None:
    worker = Worker(engine)
    bury(engine, "reported")
    engine.enqueue_job(QUEUE, a_job("too-old", max_age_ms=0))
    worker.run(Deferred("smtp is away", 0))
    client.hset(f"jobs:{{{QUEUE}}}:j:too-old", "df", 1)
    worker.run(Deferred("smtp is away", 0))
    engine.enqueue_job(QUEUE, a_job("lost"))
    for _ in range(3):
        worker.take_one()
        clock.expire_lease("lost")
        engine.reap_leases(QUEUE)
    engine.enqueue_job(QUEUE, a_job("unreadable"))
    client.hdel(f"jobs:{{{QUEUE}}}:j:unreadable", "d")
    assert worker.take() == ()
    engine.enqueue_job(QUEUE, a_job("cancelled"))
    engine.cancel_job(QUEUE, "cancelled", action=an_action())

    assert sizes(engine) == {
        "boom": 1,
        "smtp is away": 1,
        "its worker was lost <number> times in a row": 1,
        "the stored job misses fields": 1,
        "Manually cancelled": 1,
    }
    assert engine.count_jobs(QUEUE).failed == 5


def test_a_job_leaves_its_group_by_retry_remove_replace_and_retention(
    engine: QueueEngine, client: redis.Redis, valkey_url: str
) -> None:
    for job_id in ("retried", "removed", "replaced", "stays"):
        bury(engine, job_id)
    engine.enqueue_job(QUEUE, a_job("pruned"))
    engine.cancel_job(QUEUE, "pruned", action=an_action())

    engine.retry_job(QUEUE, "retried", action=an_action())
    engine.remove_job(QUEUE, "removed", action=an_action())
    engine.enqueue_job(QUEUE, a_job("replaced", if_exists=IfExists.REPLACE))
    pruning = QueueEngine.connect(valkey_url, retention=Retention(cancelled_count=0))
    assert pruning.prune_jobs(QUEUE) == 1
    pruning.close()

    assert sizes(engine) == {"boom": 1}
    assert engine.get_job(QUEUE, "retried").job.group is None
    engine.remove_job(QUEUE, "stays", action=an_action())
    assert engine.list_error_groups(QUEUE).total == 0
    assert keys_of(client, "*:g:*") + keys_of(client, "*:groups*") == []


def test_a_failed_job_names_its_group_and_lists_and_bulk_calls_take_it(engine: QueueEngine) -> None:
    for number in range(3):
        bury(engine, f"a-{number}", "no ticket")
    bury(engine, "b", "no person")
    group = engine.get_job(QUEUE, "a-0").job.group

    page = engine.list_jobs(QUEUE, FAILED, offset=1, limit=2, group=group)
    dry = engine.retry_jobs(QUEUE, JobFilter(group=group), action=an_action(), dry_run=True)
    by_id = engine.remove_jobs(QUEUE, JobFilter(group=group, ids=("a-0", "b")), action=an_action())
    wet = engine.retry_jobs(QUEUE, JobFilter(group=group), action=an_action())

    assert (page.total, [job.job_id for job in page.jobs]) == (3, ["a-1", "a-0"])
    assert dry.matched == 3
    assert (by_id.done, by_id.skipped) == (1, (("b", "does not meet the filter"),))
    assert (wet.matched, wet.done) == (2, 2)
    assert sizes(engine) == {"no person": 1}


def test_the_dead_letter_view_merges_groups_of_all_queues_and_knows_no_cancelled_ones(engine: QueueEngine) -> None:
    bury(engine, "one", "no ticket 1")
    bury(engine, "two", "no ticket 2", queue="notifications")
    bury(engine, "three", "no person", queue="notifications")
    engine.enqueue_job(QUEUE, a_job("cancelled"))
    engine.cancel_job(QUEUE, "cancelled", action=an_action())
    (cancelled,) = [group for group in groups_of(engine) if not group.dead]

    groups = groups_of(engine, DEAD_LETTER_QUEUE)

    assert [(group.line, group.count) for group in groups] == [("no ticket <number>", 2), ("no person", 1)]
    assert sum(group.count for group in groups) == engine.count_jobs(DEAD_LETTER_QUEUE).failed
    page = engine.list_jobs(DEAD_LETTER_QUEUE, FAILED, offset=0, limit=9, group=groups[0].group_id)
    assert (page.total, {job.job_id for job in page.jobs}) == (2, {"tickets:one", "notifications:two"})
    assert engine.list_jobs(DEAD_LETTER_QUEUE, FAILED, offset=0, limit=9, group=cancelled.group_id).total == 0
    assert engine.retry_jobs(DEAD_LETTER_QUEUE, JobFilter(group=cancelled.group_id), action=an_action()).matched == 0
    assert engine.retry_jobs(DEAD_LETTER_QUEUE, JobFilter(group=groups[0].group_id), action=an_action()).done == 2


def test_only_the_largest_groups_are_listed_and_all_are_counted(engine: QueueEngine) -> None:
    for job_id, reason in (("a", "rare"), ("b", "usual"), ("c", "usual"), ("d", "usual"), ("e", "now and then")):
        bury(engine, job_id, reason)
    bury(engine, "f", "now and then")

    found = engine.list_error_groups(QUEUE, limit=2)

    assert [(group.line, group.count) for group in found.groups] == [("usual", 3), ("now and then", 2)]
    assert found.total == 3


def test_what_cannot_be_a_group_is_refused(engine: QueueEngine) -> None:
    bury(engine, "job-1")
    for group in ("", "dead", "d" + "0" * 15, "x" + "0" * 16, "d0000000000000000:"):
        with pytest.raises(InvalidArgument, match="group must match"):
            engine.list_jobs(QUEUE, FAILED, offset=0, limit=1, group=group)
        with pytest.raises(InvalidArgument, match="group must match"):
            engine.retry_jobs(QUEUE, JobFilter(group=group), action=an_action())
    for call in (
        lambda: engine.list_jobs(QUEUE, JobState.WAITING, offset=0, limit=1, group="d" + "0" * 16),
        lambda: engine.remove_jobs(QUEUE, JobFilter(JobState.WAITING, group="d" + "0" * 16), action=an_action()),
    ):
        with pytest.raises(InvalidArgument, match="group needs the status failed"):
            call()
    with pytest.raises(QueueNotFound):
        engine.list_error_groups("nowhere")
    with pytest.raises(InvalidArgument, match="limit"):
        engine.list_error_groups(QUEUE, limit=501)

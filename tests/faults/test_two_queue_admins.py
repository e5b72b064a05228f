"""F16: one of two queue-admins ends while it promotes, reaps, ships and schedules; the other goes on."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator

import grpc
import orjson
import pytest
import redis

from faults.support.arena import Arena
from faults.support.job_types.ledgered import QUEUE
from faults.support.queue_admins import QueueAdminProcess, register_work
from jobqueue.audit.v1 import audit_service_pb2
from queue_admin.loops.audit_shipper import CLAIM_MS
from queue_engine.domain.audit import Action
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import ScheduleSpec
from support.recording_audit import RecordingAudit, recording_audit
from support.waiting import wait_until

TICK = "tick"
PREFIX = f"jobs:{{{QUEUE}}}:"
DUE, EVERY_MS, GHOSTS, TURNS = 30, 100, 5, 2
LATEST_MS = 6_000  # a pass a second, on a machine that others use too
SLACK_SECONDS = 10.0


@pytest.fixture
def audit(arena: Arena) -> Iterator[RecordingAudit]:
    with recording_audit(arena.authority, arena.folder) as recording:
        yield recording


@pytest.fixture
def admins(arena: Arena, audit: RecordingAudit) -> list[QueueAdminProcess]:
    return [QueueAdminProcess(arena, audit_address=audit.address).start() for _ in range(2)]


def give_work(arena: Arena, client: redis.Redis, turn: int) -> dict[str, int]:
    """Jobs that come due one after another, and jobs that a worker took and never came back with; when each is due."""
    due: dict[str, int] = {}
    arena.enqueue(*(f"ghost-{turn}-{number}" for number in range(GHOSTS)))
    arena.engine.settle_jobs(QUEUE, [], worker="ghost", want=GHOSTS, lease_ms=1_500)
    for number in range(DUE):
        job_id = f"due-{turn}-{number:02}"
        arena.enqueue(job_id, delay_ms=500 + number * EVERY_MS)
        score = client.zscore(f"{PREFIX}delayed", job_id)
        assert isinstance(score, float)
        due[job_id] = round(score)
    return due


def start_schedule(arena: Arena, admin: QueueAdminProcess) -> None:
    """A job a second, made by whichever queue-admin comes first; paused for now."""
    with grpc.insecure_channel(admin.address) as channel:
        register_work(channel, arena.authority.token("WORKER"))
    data = orjson.dumps({"ledger": str(arena.ledger.path)})
    spec = ScheduleSpec(TICK, "work", data, Recurrence(interval_ms=1_000))
    arena.engine.schedules.upsert_schedule(QUEUE, spec, action=Action(uuid.uuid4().hex, "ops"))
    arena.engine.schedules.pause_schedule(QUEUE, TICK, action=Action(uuid.uuid4().hex, "ops"))


def note_ticks(arena: Arena) -> None:
    """The jobs that the schedule made were asked for, too."""
    for job_id in arena.snapshot().jobs:
        if job_id.startswith(f"{TICK}:"):
            arena.ledger.write("enqueue", job_id, phase="invoked")
            arena.ledger.write("enqueue", job_id, phase="acked", created=True)


def act(arena: Arena, verb: str, job_id: str) -> None:
    arena.ledger.write("act", job_id, verb=verb, phase="invoked")
    action = Action(uuid.uuid4().hex, "ops")
    outcome = getattr(arena.engine, f"{verb}_job")(QUEUE, job_id, action=action) or ""
    arena.ledger.write("act", job_id, verb=verb, phase="acked", outcome=outcome)


def shipper_of(client: redis.Redis, admins: list[QueueAdminProcess]) -> QueueAdminProcess:
    """The one that ships now: its process id stands in the claim."""

    def found() -> QueueAdminProcess | None:
        claim = client.get(f"{PREFIX}audit:claim")
        pid = claim.decode().split(":")[1] if isinstance(claim, bytes) else ""
        return next((admin for admin in admins if str(admin.pid) == pid), None)

    admin = wait_until(found, within=CLAIM_MS / 1000 + SLACK_SECONDS, what="one of the two ships")
    assert admin is not None
    return admin


def one_turn(
    arena: Arena, client: redis.Redis, audit: RecordingAudit, admins: list[QueueAdminProcess], turn: int
) -> tuple[list[int], float]:
    """End the one that ships, with work of each kind about.

    How late each job came due, in ms, and the seconds until records were shipped again.
    """
    due = give_work(arena, client, turn)
    arena.enqueue(f"acted-{turn}", delay_ms=3_600_000)
    act(arena, "cancel", f"acted-{turn}")
    victim = shipper_of(client, admins)
    arena.fault("kill -9 of a queue-admin" if turn % 2 else "SIGTERM to a queue-admin")
    (victim.process.kill if turn % 2 else victim.process.stop)()
    at, records = time.monotonic(), len(audit.entries)
    act(arena, "retry", f"acted-{turn}")
    wait_until(lambda: len(audit.entries) > records, within=CLAIM_MS / 1000 + SLACK_SECONDS)
    takeover = time.monotonic() - at
    last = f"{PREFIX}j:due-{turn}-{DUE - 1:02}"
    wait_until(lambda: client.hget(last, "s") == b"waiting", within=30, what="all are due")
    wait_until(lambda: client.zcard(f"{PREFIX}active") == 0, within=30, what="what the ghost took is taken back")
    victim.start()
    return [int(client.hget(f"{PREFIX}j:{job_id}", "rs") or 0) - at_ms for job_id, at_ms in due.items()], takeover


def shipped(audit: RecordingAudit) -> list[tuple[str, str]]:
    """(action, job id) of the records that arrived."""
    names = audit_service_pb2.AuditAction.Name
    return [(names(entry.action).removeprefix("AUDIT_ACTION_").lower(), entry.job_id) for entry in audit.entries]


@pytest.mark.long_fault
def test_one_of_two_queue_admins_dies_and_the_other_goes_on_and_repeats_nothing(
    arena: Arena, audit: RecordingAudit, admins: list[QueueAdminProcess]
) -> None:
    start_schedule(arena, admins[0])
    late: list[int] = []
    takeovers: list[float] = []
    nursery = arena.nursery()
    with redis.Redis.from_url(arena.url) as client:
        for turn in range(TURNS):
            arena.engine.schedules.resume_schedule(QUEUE, TICK, action=Action(uuid.uuid4().hex, "ops"))
            later, takeover = one_turn(arena, client, audit, admins, turn)
            arena.engine.schedules.pause_schedule(QUEUE, TICK, action=Action(uuid.uuid4().hex, "ops"))
            late, takeovers = late + later, [*takeovers, takeover]
            worker = nursery.fork()
            arena.come_to_rest()
            nursery.signal(worker, signal.SIGKILL)  # with nothing in its hands: in the next turn nobody else promotes
    tick = arena.engine.schedules.get_schedule(QUEUE, TICK)
    note_ticks(arena)
    wait_until(lambda: not arena.engine.audit_backlog(QUEUE)[0], within=30)

    history, store = arena.verdict(
        "F16 (two)",
        "one of two queue-admins ended, by turns SIGTERM and kill -9, always the one that ships audit records",
        recovery=takeovers,
        within=CLAIM_MS / 1000 + SLACK_SECONDS,
        note=f"due jobs promoted at most {max(late) / 1000:.1f} s late, twice: 0; {tick.runs} runs of a schedule, "
        "twice: 0; recovery: until records ship again",
        audit=True,
        shipped=shipped(audit),
    )
    assert min(late) >= 0
    assert max(late) <= LATEST_MS
    assert history.most_runs() == 1
    assert store.totals["lost"] == TURNS * GHOSTS
    assert store.totals["completed"] == TURNS * (DUE + GHOSTS + 1) + tick.runs
    assert (tick.runs >= TURNS, tick.failed) == (True, 0)

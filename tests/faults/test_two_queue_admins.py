"""F16: one of two queue-admins ends while it promotes, reaps and ships; the other goes on and repeats nothing."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator

import pytest
import redis

from faults.support.arena import Arena
from faults.support.job_types.ledgered import QUEUE
from faults.support.queue_admins import QueueAdminProcess
from jobqueue.audit.v1 import audit_service_pb2
from queue_admin.loops.audit_shipper import CLAIM_MS
from queue_engine.domain.audit import Action
from support.recording_audit import RecordingAudit, recording_audit
from support.waiting import wait_until

PREFIX = f"jobs:{{{QUEUE}}}:"
DUE, EVERY_MS, GHOSTS, TURNS = 30, 100, 5, 4
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


@pytest.mark.long_fault
def test_one_of_two_queue_admins_dies_and_the_other_goes_on_and_repeats_nothing(
    arena: Arena, audit: RecordingAudit, admins: list[QueueAdminProcess]
) -> None:
    late: list[int] = []
    takeovers: list[float] = []
    nursery = arena.nursery()
    client = redis.Redis.from_url(arena.url)
    for turn in range(TURNS):
        due = give_work(arena, client, turn)
        arena.enqueue(f"acted-{turn}", delay_ms=3_600_000)
        act(arena, "cancel", f"acted-{turn}")
        victim = shipper_of(client, admins)
        arena.fault("kill -9 of a queue-admin" if turn % 2 else "SIGTERM to a queue-admin")
        (victim.process.kill if turn % 2 else victim.process.stop)()
        at, records = time.monotonic(), len(audit.entries)
        act(arena, "retry", f"acted-{turn}")
        wait_until(lambda n=records: len(audit.entries) > n, within=CLAIM_MS / 1000 + SLACK_SECONDS)  # type: ignore[misc]
        takeovers.append(time.monotonic() - at)
        last = f"due-{turn}-{DUE - 1:02}"
        wait_until(lambda i=last: client.hget(f"{PREFIX}j:{i}", "s") == b"waiting", within=30)  # type: ignore[misc]
        wait_until(lambda: client.zcard(f"{PREFIX}active") == 0, within=30, what="what the ghost took is taken back")
        victim.start()
        late += [int(client.hget(f"{PREFIX}j:{job_id}", "rs") or 0) - at_ms for job_id, at_ms in due.items()]
        worker = nursery.fork()
        arena.come_to_rest()
        nursery.signal(worker, signal.SIGKILL)  # with nothing in its hands: in the next turn nobody else promotes
    client.close()
    wait_until(lambda: not arena.engine.audit_backlog(QUEUE)[0], within=30)

    history, store = arena.verdict(
        "F16 (two)",
        "one of two queue-admins ended, by turns SIGTERM and kill -9, always the one that ships audit records",
        recovery=takeovers,
        within=CLAIM_MS / 1000 + SLACK_SECONDS,
        note=f"due jobs promoted at most {max(late) / 1000:.1f} s late, twice: 0; recovery: until records ship again",
        audit=True,
        shipped=[
            (audit_service_pb2.AuditAction.Name(entry.action).removeprefix("AUDIT_ACTION_").lower(), entry.job_id)
            for entry in audit.entries
        ],
    )
    assert min(late) >= 0
    assert max(late) <= LATEST_MS
    assert history.most_runs() == 1
    assert store.totals["lost"] == TURNS * GHOSTS
    assert store.totals["completed"] == TURNS * (DUE + GHOSTS + 1)

"""The shipper itself on a real store, with an audit service that behaves as each test wants."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobqueue.audit.v1 import audit_service_pb2_grpc
from queue_admin.audit_messages import to_entry
from queue_admin.loops.audit_shipper import AuditShipper
from queue_engine.domain.audit import Action
from queue_engine.domain.job_type import JobType
from queue_engine.engine import QueueEngine
from service_kit.grpc_client import open_channel
from support.recording_audit import RecordingAudit, recording_audit
from support.tokens import Authority
from support.waiting import wait_until

NUMBERS = itertools.count(1)


@dataclass
class Desk:
    """A store with records to ship, an audit service, and shippers by name."""

    engine: QueueEngine
    audit: RecordingAudit
    shipper: Callable[..., AuditShipper]

    def record(self, *event_ids: str, queue: str = "tickets", detail: str = "{}", verb: str = "drain") -> None:
        """Leave a record for each event id in the queue's stream."""
        for event_id in event_ids:
            self.engine.record_action(
                queue, action=Action(event_id, "olga", "jobqueue", "t1", "why"), verb=verb, detail=detail
            )

    @property
    def shipped(self) -> list[str]:
        """Event ids in the order in which they arrived."""
        return [entry.event_id for entry in self.audit.entries]


@pytest.fixture
def desk(valkey_url: str, tmp_path: Path) -> Iterator[Desk]:
    authority = Authority()
    engine = QueueEngine.connect(valkey_url)
    engine.register_job_types([JobType("a", "tickets", 1, {}), JobType("b", "notifications", 1, {})])
    token_file = authority.write_token(tmp_path, "QUEUE_ADMIN")
    with recording_audit(authority, tmp_path) as audit, open_channel(audit.address, token_file=token_file) as channel:
        append = audit_service_pb2_grpc.AuditServiceStub(channel).AppendEntries

        def shipper(name: str = "one", **options: Callable[[], float]) -> AuditShipper:
            return AuditShipper(engine, append, shipper=name, **options)

        yield Desk(engine, audit, shipper)
    engine.close()


def test_records_arrive_in_order_and_whole(desk: Desk) -> None:
    desk.record("e1", "e2", "e3", detail='{"worker":"w"}')

    assert desk.shipper().tick() == 3

    assert desk.shipped == ["e1", "e2", "e3"]
    entry = desk.audit.entries[0]
    assert (entry.queue, entry.job_id, entry.actor, entry.issuer) == ("tickets", "", "olga", "jobqueue")
    assert (entry.token_id, entry.reason, entry.detail) == ("t1", "why", b'{"worker":"w"}')
    assert entry.happened_at > 1_700_000_000_000
    assert desk.engine.audit_backlog("tickets")[:2] == (0, 0)


def test_every_queue_has_its_turn(desk: Desk) -> None:
    desk.record("e1")
    desk.record("e2", queue="notifications")

    assert desk.shipper().tick() == 2
    assert sorted(desk.shipped) == ["e1", "e2"]


def test_a_long_stream_is_shipped_in_steps(desk: Desk) -> None:
    desk.record(*(f"e{n}" for n in range(250)))
    shipper = desk.shipper()

    assert [shipper.tick() for _ in range(4)] == [100, 100, 50, 0]
    assert desk.shipped == [f"e{n}" for n in range(250)]


def test_large_records_travel_in_several_calls(desk: Desk) -> None:
    detail = '{"old":"' + "x" * 400_000 + '"}'
    desk.record("e1", "e2", "e3", "e4", "e5", detail=detail)

    desk.shipper().tick()

    assert desk.shipped == ["e1", "e2", "e3", "e4", "e5"]
    assert desk.audit.calls == 3


@pytest.mark.parametrize("reason", ["UNAVAILABLE", "DEADLINE", "INTERNAL", "UNAUTHENTICATED", "LIMITED"])
def test_nothing_is_lost_while_the_audit_service_cannot_take_it(desk: Desk, reason: str) -> None:
    desk.record("e1", "e2")
    now = 0.0
    shipper = desk.shipper(clock=lambda: now)
    desk.audit.refuse[""] = reason

    assert shipper.tick() == 0

    assert desk.engine.audit_backlog("tickets")[:2] == (2, 0)
    desk.audit.refuse.clear()
    now = 1.0
    assert shipper.tick() == 2
    assert desk.shipped == ["e1", "e2"]


def test_a_failing_audit_service_is_asked_less_and_less_often(desk: Desk) -> None:
    desk.record("e1")
    now = 0.0
    shipper = desk.shipper(clock=lambda: now)
    desk.audit.refuse[""] = "UNAVAILABLE"

    for _ in range(600):
        now += 0.5
        shipper.tick()

    assert 10 <= desk.audit.calls <= 25  # in five minutes, of 600 passes


@pytest.mark.parametrize("reason", ["AUDIT_CONFLICT", "INVALID_REQUEST"])
def test_a_record_refused_for_good_is_set_aside_and_only_it(desk: Desk, reason: str) -> None:
    desk.record("e1", "bad", "e3")
    desk.audit.refuse["bad"] = reason

    assert desk.shipper().tick() == 3

    assert desk.shipped == ["e1", "e3"]
    assert desk.engine.audit_backlog("tickets")[:2] == (0, 1)


def test_a_record_the_contract_cannot_express_is_set_aside(desk: Desk) -> None:
    desk.record("odd", verb="juggle")
    desk.record("e2")

    desk.shipper().tick()

    assert desk.shipped == ["e2"]
    assert desk.engine.audit_backlog("tickets")[:2] == (0, 1)


def test_a_record_whose_shipper_died_before_settling_arrives_once(desk: Desk) -> None:
    desk.record("e1", "e2")
    first = desk.engine.claim_audit("tickets", shipper="dead", lease_ms=1)
    desk.audit.entries = [to_entry(first[0])]

    wait_until(lambda: desk.shipper("alive").tick() == 2)

    assert desk.shipped == ["e1", "e2"]


def test_two_shippers_never_ship_the_same_stream_at_once(desk: Desk) -> None:
    desk.record(*(f"e{n}" for n in range(300)))
    shippers = [desk.shipper("one"), desk.shipper("two")]
    threads = [threading.Thread(target=lambda s=s: [s.tick() for _ in range(8)]) for s in shippers]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wait_until(lambda: desk.engine.audit_backlog("tickets")[0] == 0)
    assert desk.shipped == [f"e{n}" for n in range(300)]
    assert desk.audit.calls == 3

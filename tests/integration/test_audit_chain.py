from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

from audit.database import Database
from audit.ledger import EMPTY, Entry, Head, hash_of
from audit.migrate import migrate
from audit.store import AuditStore
from jobqueue.audit.v1 import audit_service_pb2 as pb
from support.audit import RunningAudit, an_entry, running_audit
from support.waiting import wait_until

CHAIN: LiteralString = """SELECT id, event_id, queue, job_id, action, actor_user_id, issuer, token_id, reason, detail,
    created_at_ms, request_id, recorded_at_ms, hash FROM job_audit ORDER BY id"""
CHANGES: list[LiteralString] = [
    "UPDATE job_audit SET reason = 'nothing to see'",
    "UPDATE job_audit SET reason = reason WHERE false",
    "DELETE FROM job_audit",
    "DELETE FROM job_audit WHERE id = 2",
    "TRUNCATE job_audit",
    "INSERT INTO job_audit SELECT * FROM job_audit WHERE id = 1 ON CONFLICT (id) DO UPDATE SET reason = 'x'",
]


@pytest.fixture
def audit(tmp_path: Path, database_url: str) -> Iterator[RunningAudit]:
    with running_audit(tmp_path, database_url) as running:
        running.append(*(an_entry(event_id=f"e-{n}", reason=f"reason {n}") for n in range(1, 6)))
        yield running


@pytest.fixture
def owner(audit: RunningAudit, database_url: str) -> Iterator[psycopg.Connection]:
    """The table's owner, a superuser too."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_changes_even_to_a_superuser_who_owns_the_table(
    audit: RunningAudit, owner: psycopg.Connection, change: LiteralString
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(change)

    assert audit.verify().checked == 5


@pytest.mark.parametrize("change", CHANGES)
def test_replaying_replication_opens_no_way_around(owner: psycopg.Connection, change: LiteralString) -> None:
    owner.execute("SET session_replication_role = replica")

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(change)


@pytest.fixture
def plain_owner(database_url: str) -> Iterator[psycopg.Connection]:
    """An owner without any other right, its schema made and one row in it."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        admin.execute(psycopg.sql.SQL("ALTER DATABASE {} OWNER TO plain").format(psycopg.sql.Identifier(str(name))))
        plain_url = make_conninfo(database_url, user="plain", password="plain")
        with psycopg.connect(plain_url, autocommit=True) as connection:
            migrate(connection)
            yield connection
        admin.execute("REASSIGN OWNED BY plain TO CURRENT_USER")
        admin.execute("DROP OWNED BY plain")
        admin.execute("DROP ROLE plain")


@pytest.mark.parametrize("change", CHANGES)
def test_the_plain_owner_has_no_right_to_change_either(plain_owner: psycopg.Connection, change: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        plain_owner.execute(change)

    plain_owner.execute("GRANT UPDATE, DELETE, TRUNCATE ON job_audit TO plain")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        plain_owner.execute(change)


def test_an_untouched_chain_is_intact_and_names_its_head(audit: RunningAudit) -> None:
    verified = audit.verify()

    assert (verified.intact, verified.checked, verified.HasField("broken_at")) == (True, 5, False)
    assert verified.head == audit.list(page_size=1).data[0].hash


def test_an_empty_chain_is_intact_and_has_no_head(tmp_path: Path, database_url: str) -> None:
    with running_audit(tmp_path, database_url) as empty:
        assert empty.verify() == pb.VerifyChainResponse(intact=True, checked=0, head="", complete=True)


@pytest.mark.parametrize(
    ("tampering", "broken_at"),
    [
        pytest.param("UPDATE job_audit SET actor_user_id = 'eve' WHERE id = 3", 3, id="changed actor"),
        pytest.param("UPDATE job_audit SET token_id = '' WHERE id = 1", 1, id="changed token"),
        pytest.param("UPDATE job_audit SET recorded_at_ms = recorded_at_ms + 1 WHERE id = 5", 5, id="changed time"),
        pytest.param("UPDATE job_audit SET detail = '{\"attempts\":3}' WHERE id = 4", 4, id="same detail, other bytes"),
        pytest.param("UPDATE job_audit SET reason = job_id || reason, job_id = '' WHERE id = 2", 2, id="moved text"),
        pytest.param("UPDATE job_audit SET hash = sha256('x') WHERE id = 2", 2, id="changed hash"),
        pytest.param("DELETE FROM job_audit WHERE id = 1", 2, id="first deleted"),
        pytest.param("DELETE FROM job_audit WHERE id = 3", 4, id="middle deleted"),
        pytest.param("DELETE FROM job_audit WHERE id IN (2, 3)", 4, id="two deleted"),
        pytest.param(
            "DELETE FROM job_audit WHERE id = 3; UPDATE job_audit SET id = id - 1 WHERE id > 3", 3, id="gap closed"
        ),
        pytest.param(
            "UPDATE job_audit SET id = 99 WHERE id = 2; UPDATE job_audit SET id = 2 WHERE id = 3;"
            " UPDATE job_audit SET id = 3 WHERE id = 99",
            2,
            id="reordered",
        ),
        pytest.param("UPDATE job_audit SET id = id + 1 WHERE id = 5", 6, id="renumbered"),
    ],
)
def test_tampering_around_the_triggers_is_found(
    audit: RunningAudit, owner: psycopg.Connection, tampering: LiteralString, broken_at: int
) -> None:
    owner.execute("ALTER TABLE job_audit DISABLE TRIGGER ALL")
    owner.execute(tampering)

    verified = audit.verify()

    assert (verified.intact, verified.broken_at) == (False, broken_at)


def test_cutting_off_records_that_were_verified_is_found(audit: RunningAudit, owner: psycopg.Connection) -> None:
    assert audit.verify().checked == 5
    owner.execute("ALTER TABLE job_audit DISABLE TRIGGER ALL")
    owner.execute("DELETE FROM job_audit WHERE id > 3")

    verified = audit.verify()

    assert (verified.intact, verified.checked, verified.broken_at) == (False, 3, 4)


def test_a_chain_whose_hashes_were_all_computed_anew_is_found(
    audit: RunningAudit, owner: psycopg.Connection, database_url: str
) -> None:
    assert audit.verify().intact
    owner.execute("ALTER TABLE job_audit DISABLE TRIGGER ALL")
    owner.execute("UPDATE job_audit SET reason = 'nothing to see' WHERE id = 2")
    with psycopg.connect(database_url, row_factory=class_row(Entry)) as reader:
        forged = reader.execute(CHAIN).fetchall()
    head = EMPTY
    for entry in forged:
        digest = hash_of(entry, previous=head.hash, id_=entry.id, recorded_at_ms=entry.recorded_at_ms)
        owner.execute("UPDATE job_audit SET hash = %s WHERE id = %s", (digest, entry.id))
        head = Head(entry.id, digest)

    verified = audit.verify()

    assert (verified.intact, verified.broken_at) == (False, 5)  # the furthest that was seen before
    audit.append(an_entry())
    assert audit.verify().broken_at == 5


def test_a_chain_that_was_put_right_again_is_intact_again(audit: RunningAudit, owner: psycopg.Connection) -> None:
    owner.execute("ALTER TABLE job_audit DISABLE TRIGGER ALL")
    owner.execute("UPDATE job_audit SET actor_user_id = 'eve' WHERE id = 3")
    assert audit.verify().broken_at == 3
    assert not known(audit).intact
    owner.execute("UPDATE job_audit SET actor_user_id = 'olga' WHERE id = 3")

    assert audit.verify().intact
    assert (known(audit).intact, known(audit).verified) == (True, 5)


def test_new_records_are_verified_without_being_asked(audit: RunningAudit) -> None:
    wait_until(lambda: known(audit).verified == 5, within=15)
    audit.append(an_entry(), an_entry())

    wait_until(lambda: known(audit).verified == 7, within=15)

    found = known(audit)
    assert (found.intact, found.entries, found.under_way) == (True, 7, False)
    assert found.head == audit.list(page_size=1).data[0].hash
    assert found.verified_at >= found.whole_at > 0


def test_tampering_with_a_verified_record_is_found_without_being_asked(
    tmp_path: Path, database_url: str, audit: RunningAudit, owner: psycopg.Connection
) -> None:
    assert audit.verify().intact
    owner.execute("ALTER TABLE job_audit DISABLE TRIGGER ALL")
    owner.execute("UPDATE job_audit SET hash = sha256('x') WHERE id = 5")  # where the last look ended

    wait_until(lambda: not known(audit).intact, within=15)

    found = known(audit)
    assert found.broken_at == 5
    assert found.broken_since > 0


def test_a_process_that_starts_knows_what_the_last_one_verified(tmp_path: Path, database_url: str) -> None:
    with running_audit(tmp_path, database_url) as first:
        first.append(an_entry(), an_entry())
        head = first.verify().head
    with running_audit(tmp_path, database_url) as second:
        assert (known(second).verified, known(second).head) == (2, head)


def known(audit: RunningAudit) -> pb.GetVerificationResponse:
    return audit.operator.GetVerification(pb.GetVerificationRequest(), timeout=5)


@pytest.fixture
def store(audit: RunningAudit, database_url: str) -> Iterator[AuditStore]:
    """The same chain, verified by hand."""
    database = Database(database_url, connections=1, may_migrate=True)
    database.open()
    database.probe()
    yield AuditStore(database)
    database.close()


def test_verifying_a_long_chain_needs_little_memory(audit: RunningAudit, store: AuditStore) -> None:
    detail = b'{"data": "' + b"x" * 2_000 + b'"}'
    for _ in range(20):
        audit.append(*(an_entry(detail=detail) for _ in range(400)))

    tracemalloc.start()
    verified = store.verify_chain(keep_going=lambda: True, begin_after_ms=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (verified.intact, verified.place.id) == (True, 8_005)
    assert peak < 8_000_000  # the chain has 20 MB


def test_a_verification_that_is_cut_short_goes_on_where_it_stood(audit: RunningAudit, store: AuditStore) -> None:
    for _ in range(5):
        audit.append(*(an_entry() for _ in range(500)))
    store.verify_chain(keep_going=lambda: True, begin_after_ms=0)  # and the next one begins at the first record

    places = [store.verify_chain(keep_going=lambda: False, begin_after_ms=0).place.id]
    while places[-1] < 2_505:
        places.append(store.verify_chain(keep_going=lambda: False).place.id)

    assert places[0] in (1_000, 2_000)  # the service may have taken a turn, never from the beginning
    assert places == sorted(set(places))
    assert audit.verify().complete

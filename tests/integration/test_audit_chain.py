from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import grpc
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from audit.database import Database
from audit.ledger import Verification
from audit.migrate import migrate
from audit.store import AuditStore
from jobqueue.audit.v1 import audit_service_pb2 as pb
from service_kit.errors import from_rpc_error
from support.audit import RunningAudit, an_entry, running_audit
from support.waiting import wait_until

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
        assert empty.verify() == pb.VerifyChainResponse(intact=True, checked=0, head="")


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


def test_cutting_off_the_newest_is_found_by_the_head_kept_elsewhere_only(
    audit: RunningAudit, owner: psycopg.Connection
) -> None:
    witness = audit.verify()
    owner.execute("ALTER TABLE job_audit DISABLE TRIGGER ALL")
    owner.execute("DELETE FROM job_audit WHERE id > 3")

    verified = audit.verify()

    assert verified.intact
    assert (verified.checked, verified.head) != (witness.checked, witness.head)


def test_verifying_a_long_chain_needs_little_memory(audit: RunningAudit, database_url: str, tmp_path: Path) -> None:
    detail = b'{"data": "' + b"x" * 2_000 + b'"}'
    for _ in range(20):
        audit.append(*(an_entry(detail=detail) for _ in range(400)))
    database = Database(database_url, connections=1, may_migrate=True)
    database.open()
    database.probe()

    tracemalloc.start()
    verified: Verification = AuditStore(database).verify_chain(keep_going=lambda: None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    database.close()

    assert (verified.intact, verified.checked) == (True, 8_005)
    assert peak < 8_000_000  # the chain has 20 MB


def test_a_verification_ends_with_its_deadline(audit: RunningAudit, owner: psycopg.Connection) -> None:
    for _ in range(10):
        audit.append(*(an_entry() for _ in range(500)))

    with pytest.raises(grpc.RpcError) as caught:
        audit.operator.VerifyChain(pb.VerifyChainRequest(), timeout=0.02)

    assert from_rpc_error(caught.value).reason == "DEADLINE"
    # The call ended at its deadline; its verification ends a moment later, and until then another is refused.
    wait_until(lambda: verified(audit) == 5_005)


def verified(audit: RunningAudit) -> int | None:
    """How many records a verification reached, None while another one runs."""
    try:
        return int(audit.verify().checked)
    except grpc.RpcError as error:
        if from_rpc_error(error).reason != "LIMITED":
            raise
        return None

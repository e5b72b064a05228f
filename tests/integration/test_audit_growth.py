"""What docs/operations.md says of the audit log's room, and of beginning another chain."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import psycopg

from fixtures.postgres import PostgresServer
from support.audit import RunningAudit, an_entry, running_audit

PAGE = Path(__file__).parents[2] / "docs/operations.md"
CALLS, RECORDS_A_CALL = 5, 500


def retry_all(audit: RunningAudit) -> None:
    """Records as one call leaves them that retries many jobs."""
    event, request, token = (uuid.uuid4().hex for _ in range(3))
    jobs = (uuid.uuid4().hex for _ in range(RECORDS_A_CALL))
    told = {"actor": "olga@example.org", "token_id": token, "request_id": request, "detail": b"{}"}
    audit.append(*(an_entry(event_id=f"{event}:{job}", job_id=job, **told) for job in jobs))


def test_a_record_takes_the_room_that_the_operations_page_says(tmp_path: Path, database_url: str) -> None:
    with running_audit(tmp_path, database_url) as audit, psycopg.connect(database_url, autocommit=True) as connection:
        audit.append(an_entry())
        size = "SELECT pg_total_relation_size('job_audit')"
        (before,) = connection.execute(size).fetchone() or (0,)
        for _ in range(CALLS):
            retry_all(audit)
        (after,) = connection.execute(size).fetchone() or (0,)

    (low, high) = re.findall(r"takes (\d\.\d) to (\d\.\d) kB", PAGE.read_text())[0]
    assert float(low) <= round((after - before) / (CALLS * RECORDS_A_CALL) / 1_000, 1) <= float(high)


def test_a_new_database_begins_a_chain_and_the_one_before_stays_whole(
    tmp_path: Path, database_url: str, postgres_server: PostgresServer
) -> None:
    with running_audit(tmp_path, database_url) as audit:
        audit.append(an_entry(), an_entry())
        head = audit.verify().head

    with running_audit(tmp_path, postgres_server.url) as audit:
        audit.append(an_entry())
        assert (audit.verify().intact, audit.verify().checked) == (True, 1)
    with running_audit(tmp_path, database_url) as audit:
        assert (audit.verify().intact, audit.verify().head) == (True, head)

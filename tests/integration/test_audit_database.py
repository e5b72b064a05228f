from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import grpc
import orjson
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from psycopg.conninfo import make_conninfo

from audit import sql
from fixtures.postgres import PostgresServer
from jobqueue.audit.v1 import audit_service_pb2 as pb
from local.process import ProgramFailed
from support.audit import RunningAudit, an_entry, refused, running_audit
from support.tokens import Authority
from support.waiting import wait_until

UP, DOWN = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health(audit: RunningAudit, name: str) -> int:
    with grpc.insecure_channel(f"127.0.0.1:{audit.service.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=2).status)  # type: ignore[attr-defined]


def http(audit: RunningAudit, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{audit.service.metrics_port}{path}", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_while_postgres_is_away_calls_are_unavailable_and_then_go_on_by_themselves(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with running_audit(tmp_path, postgres_server.url) as audit:
        audit.append(an_entry(event_id="before"))

        postgres_server.stop()

        error = refused(audit.shipper.AppendEntries, pb.AppendEntriesRequest(entries=[an_entry()]))
        assert (error.reason, error.retry_after_ms) == ("UNAVAILABLE", 1_000)
        wait_until(lambda: health(audit, "database") == DOWN, within=4)
        assert health(audit, "") == UP
        assert health(audit, "jobqueue.audit.v1.AuditService") == UP
        assert http(audit, "/readyz") == (503, "PostgreSQL does not answer")
        assert http(audit, "/livez") == (200, "ok")
        assert "audit_database_up 0.0" in http(audit, "/metrics")[1]
        began = time.monotonic()
        assert refused(audit.operator.ListEntries, pb.ListEntriesRequest()).reason == "UNAVAILABLE"
        assert time.monotonic() - began < 0.5  # known to be away: nobody waits for it

        postgres_server.start()

        wait_until(lambda: health(audit, "database") == UP, within=5)
        assert audit.append(an_entry(event_id="after")) == 1
        assert [entry.event_id for entry in audit.list().data] == ["after", "before"]
        assert audit.verify().intact
        assert http(audit, "/readyz") == (200, "ok")


def test_a_service_started_before_postgres_makes_its_schema_when_it_comes(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    postgres_server.stop()

    with running_audit(tmp_path, postgres_server.url) as audit:
        assert health(audit, "database") == DOWN
        assert refused(audit.operator.ListEntries, pb.ListEntriesRequest()).reason == "UNAVAILABLE"

        postgres_server.start()

        wait_until(lambda: health(audit, "database") == UP, within=5)
        assert audit.append(an_entry()) == 1


def started(server: PostgresServer) -> bool:
    """It starts; right after a kill it may find processes of its former self."""
    try:
        server.start()
    except ProgramFailed:
        return False
    return True


def test_a_killed_postgres_loses_nothing_that_was_answered(tmp_path: Path, postgres_server: PostgresServer) -> None:
    answered: list[str] = []
    stop = threading.Event()
    with running_audit(tmp_path, postgres_server.url) as audit:

        def ship() -> None:
            while not stop.is_set():
                entry = an_entry()
                try:
                    audit.append(entry)
                    answered.append(entry.event_id)
                except grpc.RpcError:
                    stop.wait(0.05)

        threads = [threading.Thread(target=ship) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answered) > 50, what="records before the crash")
        postgres_server.kill()
        before = len(answered)
        wait_until(lambda: started(postgres_server), within=10, what="the killed server's own processes are gone")
        wait_until(lambda: len(answered) > before + 50, within=10, what="records after the crash")
        stop.set()
        for thread in threads:
            thread.join()

        assert audit.verify().intact
    with psycopg.connect(postgres_server.url) as connection:
        kept = {row[0] for row in connection.execute("SELECT event_id FROM job_audit")}
    assert set(answered) - kept == set()


def test_a_service_that_may_not_migrate_waits_for_who_does(tmp_path: Path, database_url: str) -> None:
    with running_audit(tmp_path, database_url, audit_migrate=False) as audit:
        assert http(audit, "/readyz") == (503, "its schema is not up to date: run `python -m audit migrate`")

        assert run_audit(tmp_path, {"DATABASE_URL": database_url}, "migrate").returncode == 0

        wait_until(lambda: health(audit, "database") == UP, within=4)
        assert audit.append(an_entry()) == 1


def test_metrics_tell_appends_records_and_the_last_verification(tmp_path: Path, database_url: str) -> None:
    with running_audit(tmp_path, database_url) as audit:
        entry = an_entry()
        audit.append(entry, an_entry())
        audit.append(entry)
        began = time.time()
        audit.verify()

        lines = dict(
            line.rsplit(" ", 1) for line in http(audit, "/metrics")[1].splitlines() if not line.startswith("#")
        )

    assert float(lines["audit_appends_total"]) == 2
    assert float(lines["audit_entries_appended_total"]) == 2
    assert float(lines["audit_entries_repeated_total"]) == 1
    assert float(lines["audit_entries"]) == 2
    assert float(lines["audit_chain_intact"]) == 1
    assert float(lines["audit_database_up"]) == 1
    assert float(lines["audit_last_verification_timestamp_seconds"]) >= began - 1


# --- as processes ---------------------------------------------------------------------------------------------------


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    authority = Authority()
    own = {"AUTH_JWKS": authority.write_jwks(folder), "AUDIT_PORT": "0", "AUDIT_METRICS_PORT": "0"}
    return {**own, "AUDIT_HOST": "127.0.0.1", **given}


def run_audit(folder: Path, given: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "audit", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(folder, given), capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture(scope="module")
def run_without_postgres(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """Exit status and output of a process that found no PostgreSQL, served, and was asked to stop."""
    folder = tmp_path_factory.mktemp("audit")
    given = environment(folder, {"DATABASE_URL": "postgresql://audit:a-s3cret-word@127.0.0.1:1/audit"})
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "audit"], cwd=folder, env=given, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: '"serving"' in log.read_text(), within=20)
        process.terminate()
        return process.wait(15), log.read_text()
    finally:
        process.kill()
        process.wait()


def test_a_process_without_postgres_serves_and_says_so(run_without_postgres: tuple[int, str]) -> None:
    said = {event["event"]: event for event in map(orjson.loads, run_without_postgres[1].splitlines())}

    assert said["database_away"]["problem"] == "PostgreSQL does not answer"
    assert said["serving"]["database"] == "PostgreSQL does not answer"


def test_a_process_stops_cleanly_on_sigterm(run_without_postgres: tuple[int, str]) -> None:
    status, output = run_without_postgres

    assert status == 0
    assert orjson.loads(output.splitlines()[-1])["event"] == "stopped"


def test_the_password_of_the_database_is_in_no_log(run_without_postgres: tuple[int, str]) -> None:
    assert "a-s3cret-word" not in run_without_postgres[1]


def test_a_wrong_password_is_refused_and_in_no_output(tmp_path: Path, database_url: str) -> None:
    url = make_conninfo(database_url, password="a-s3cret-word")

    ended = run_audit(tmp_path, {"DATABASE_URL": url}, "migrate")

    assert ended.returncode == 2
    assert "password authentication failed" in ended.stderr
    assert "a-s3cret-word" not in ended.stdout + ended.stderr


def test_settings_that_cannot_be_used_are_one_line_each(tmp_path: Path) -> None:
    ended = run_audit(tmp_path, {"AUDIT_PORTT": "1", "AUDIT_THREADS": "many"})

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "settings: AUDIT_PORTT: there is no such setting; did you mean AUDIT_PORT?",
        "settings: DATABASE_URL: Field required",
        "settings: AUDIT_THREADS: Input should be a valid integer, unable to parse string as an integer",
    ]


def test_a_port_in_use_is_one_clear_line(tmp_path: Path, database_url: str) -> None:
    with running_audit(tmp_path, database_url) as audit:
        ended = run_audit(tmp_path, {"DATABASE_URL": database_url, "AUDIT_PORT": str(audit.service.port)})

    assert ended.returncode == 2
    assert ended.stderr == f"start-up: port {audit.service.port} of 127.0.0.1 is in use\n"


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    ended = run_audit(tmp_path, {}, "migrat")

    assert (ended.returncode, ended.stderr) == (2, "settings: usage: python -m audit [migrate]\n")


def test_two_processes_migrating_at_once_make_one_schema(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(hashtext('job_audit_migration'))")
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "audit", "migrate"],
                cwd=tmp_path,
                env=environment(tmp_path, {"DATABASE_URL": database_url}),
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(lambda: gate.execute(waiting).fetchone() == (2,), within=15, what="both wait for the lock")
        gate.execute("SELECT pg_advisory_unlock_all()")

        outputs = [process.communicate(timeout=15)[0] for process in processes]

        assert [process.returncode for process in processes] == [0, 0]
        assert sorted("migration_applied" in output for output in outputs) == [False, True]
        made = gate.execute("SELECT version, name FROM job_audit_migration ORDER BY version").fetchall()
        assert made == [(version, name) for version, name, _ in sql.migrations()]

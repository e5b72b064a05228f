"""queue-admin as the real process: starting, stopping, and dying between an action and its audit record."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
import redis

from audit.service import AuditService
from audit.settings import AuditSettings
from fixtures.queue_admin import Stub
from jobqueue.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from local.ports import free_port
from local.process import Child, Program
from queue_engine.domain.audit import Action
from queue_engine.domain.job import NewJob
from queue_engine.domain.job_type import JobType
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import Schedule, ScheduleSpec
from queue_engine.engine import QueueEngine
from service_kit.grpc_client import open_channel
from support.tokens import Authority
from support.waiting import wait_until

COMMAND = (sys.executable, "-m", "queue_admin")


@dataclass
class Place:
    """Where queue-admin processes run, one after the other, with the same ports and keys."""

    folder: Path
    authority: Authority
    environment: dict[str, str]
    children: list[Child]

    def start(self, **environment: str) -> Child:
        """Start one and wait until it is ready."""
        ready = f"http://127.0.0.1:{self.environment['QUEUE_ADMIN_METRICS_PORT']}/readyz"
        program = Program(
            name="queue-admin",
            command=COMMAND,
            folder=self.folder,
            ready=lambda: answers(ready),
            environment={**self.environment, **environment},
        )
        child = Child(program, self.folder / "queue-admin.log")
        self.children.append(child)
        child.start()
        child.wait_ready()
        return child

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one that is expected to end by itself."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def channel(self, port: str, role: str) -> grpc.Channel:
        """A client of the service on the port that a variable names."""
        return open_channel(port, token_file=self.authority.write_token(self.folder, role, sub="olga"))


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


@contextmanager
def a_place(valkey_url: str, folder: Path) -> Iterator[Place]:
    authority = Authority()
    environment = {
        "REDIS_URL": valkey_url,
        "AUTH_JWKS": authority.write_jwks(folder),
        "SERVICE_TOKEN_FILE": authority.write_token(folder, "QUEUE_ADMIN", sub="queue-admin"),
        "QUEUE_ADMIN_HOST": "127.0.0.1",
        "QUEUE_ADMIN_PORT": str(free_port()),
        "QUEUE_ADMIN_METRICS_PORT": str(free_port()),
        "QUEUE_ADMIN_AUDIT_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    found = Place(folder, authority, environment, [])
    yield found
    for child in found.children:
        child.kill()


@pytest.fixture
def place(valkey_url: str, tmp_path: Path) -> Iterator[Place]:
    with a_place(valkey_url, tmp_path) as found:
        yield found


@pytest.fixture
def other_place(valkey_url: str, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "other").mkdir()
    with a_place(valkey_url, tmp_path / "other") as found:
        yield found


@pytest.fixture
def start_audit(place: Place, database_url: str) -> Iterator[Callable[[], None]]:
    """Start the real audit service where queue-admin looks for it."""
    started: list[AuditService] = []

    def start() -> None:
        settings = {
            "database_url": database_url,
            "auth_jwks": place.environment["AUTH_JWKS"],
            "audit_host": "127.0.0.1",
            "audit_port": place.environment["QUEUE_ADMIN_AUDIT_ADDRESS"].rpartition(":")[2],
            "audit_metrics_port": 0,
        }
        started.append(AuditService(AuditSettings.model_validate(settings)))
        started[-1].start()

    yield start
    for service in started:
        service.stop()


def test_a_record_outlives_the_queue_admin_that_wrote_it_and_arrives_once(
    place: Place, start_audit: Callable[[], None], valkey_url: str
) -> None:
    engine = QueueEngine.connect(valkey_url)
    engine.enqueue_job("tickets", NewJob("one", "ticket.created", b"{}"))
    engine.cancel_job("tickets", "one", action=Action("earlier", "olga"))
    first = place.start()
    with place.channel(f"127.0.0.1:{place.environment['QUEUE_ADMIN_PORT']}", "OPS") as channel:
        Stub(channel).RetryJob(pb.RetryJobRequest(queue="tickets", job_id="one", reason="fixed"))
    first.kill()
    assert engine.audit_backlog("tickets")[0] == 2

    start_audit()
    place.start()

    wait_until(lambda: engine.audit_backlog("tickets")[0] == 0, within=20)
    with place.channel(place.environment["QUEUE_ADMIN_AUDIT_ADDRESS"], "OPS") as channel:
        audit = audit_service_pb2_grpc.AuditServiceStub(channel)
        listed = audit.ListEntries(audit_service_pb2.ListEntriesRequest(queue="tickets", job_id="one"))
    assert [(e.action, e.actor_user_id, e.reason) for e in listed.data] == [
        (audit_service_pb2.AUDIT_ACTION_RETRY, "olga", "fixed"),
        (audit_service_pb2.AUDIT_ACTION_CANCEL, "olga", ""),
    ]
    assert engine.get_job("tickets", "one").job.state == "waiting"
    engine.close()


def test_schedules_miss_no_second_and_repeat_none_when_one_of_two_services_is_killed(
    place: Place, other_place: Place, valkey_url: str
) -> None:
    engine = QueueEngine.connect(valkey_url)
    engine.register_job_types([JobType("report", "reports", 1, {"type": "object"})])
    every_second = Recurrence(interval_ms=1_000)
    first: dict[str, int] = {}
    for name in ("a", "b", "c"):
        spec = ScheduleSpec(name, "report", b"{}", every_second)
        made, _ = engine.schedules.upsert_schedule("reports", spec, action=Action(f"make-{name}", "olga"))
        first[name] = made.next_run_ms or 0

    def schedules() -> tuple[Schedule, ...]:
        return engine.schedules.list_schedules("reports").schedules

    def let_all_run() -> None:
        runs = min(schedule.runs for schedule in schedules())
        wait_until(lambda: min(schedule.runs for schedule in schedules()) > runs, within=30)

    victim = place.start()
    other_place.start()
    let_all_run()
    victim.kill()
    let_all_run()
    for name in first:
        engine.schedules.pause_schedule("reports", name, action=Action(f"pause-{name}", "olga"))

    for schedule in schedules():
        seconds = (schedule.last_due_ms - first[schedule.spec.schedule_id]) // 1_000 + 1
        assert (schedule.runs + schedule.missed, schedule.failed) == (seconds, 0)
    assert engine.count_jobs("reports").totals["added"] == sum(schedule.runs for schedule in schedules())
    engine.close()


def test_sigterm_ends_it_cleanly(place: Place) -> None:
    child = place.start()

    child.stop()

    log = (place.folder / "queue-admin.log").read_text()
    assert '"event":"service_started"' in log
    assert '"event":"service_stopped"' in log


def test_settings_that_cannot_be_used_are_all_named(place: Place) -> None:
    ended = place.run(QUEUE_ADMIN_PORT="many", QUEUE_ADMIN_TRHEADS="4")

    assert ended.returncode == 2
    assert "settings: QUEUE_ADMIN_TRHEADS: there is no such setting; did you mean QUEUE_ADMIN_THREADS?" in ended.stderr
    assert "settings: QUEUE_ADMIN_PORT: " in ended.stderr


def test_a_port_in_use_is_one_clear_line(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for variable in ("QUEUE_ADMIN_PORT", "QUEUE_ADMIN_METRICS_PORT"):
            ended = place.run(**{variable: port})

            assert ended.returncode == 2
            (line,) = [line for line in ended.stderr.splitlines() if line.startswith("start-up:")]
            assert port in line


def test_a_store_is_prepared_for_services_that_may_not_load_functions(place: Place) -> None:
    url = place.environment["REDIS_URL"]
    with redis.Redis.from_url(url) as store:
        store.acl_setuser("service", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-function"])
        first, second = place.run("prepare-store"), place.run("prepare-store")

        child = place.start(REDIS_URL=url.replace("://:", "://service:"))

        store.acl_deluser("service")
    assert first.stdout.startswith("the store is ready, its function library is ")
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert child.alive


def test_a_store_that_is_away_is_not_prepared_and_said_in_one_line(place: Place) -> None:
    done = place.run("prepare-store", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_store_that_evicts_is_refused_at_the_start_with_what_to_set(place: Place, valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lfu")
        try:
            ended = place.run()
        finally:
            client.config_set("maxmemory-policy", "noeviction")

    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("start-up:")]
    assert "maxmemory-policy is allkeys-lfu" in line
    assert "CONFIG SET maxmemory-policy noeviction" in line

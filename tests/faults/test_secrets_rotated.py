"""F24: the store's password and its certificate are exchanged under load; nobody is restarted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from faults.support.arena import LEASE_SECONDS, Arena, FaultWorker
from faults.support.certificates import a_certificate
from faults.support.load import Backend, through_engine
from faults.support.queue_admins import QueueAdminProcess
from fixtures.valkey import PASSWORD, ValkeyServer, a_valkey
from local.ports import HOST, free_port
from queue_engine.engine import QueueEngine
from support import redis70
from support.waiting import wait_until

ROTATIONS = 2


class Users:
    """A backend, a worker and a queue-admin on the store at `url`, and what became of them."""

    def __init__(self, arena: Arena, url: str) -> None:
        self._arena, self._engine = arena, QueueEngine.connect(url)
        self.worker: FaultWorker = arena.worker(url=url)
        self.admin = QueueAdminProcess(arena, REDIS_URL=url).start()
        submit = through_engine(self._engine, arena.ledger, seconds=0.02)
        self.backend = Backend(arena.ledger, submit, prefix="rotated", pause=0.02, most=3_000)
        self.backend.start()
        self.recovery: list[float] = []

    def go_on(self, since: float) -> None:
        """Wait until all three use the store again."""
        wait_until(lambda: bool(self.backend.accepted_at) and self.backend.accepted_at[-1] > since, within=30)
        wait_until(lambda: self._began_after(since), within=30, what="the worker runs jobs")
        wait_until(self.admin.process.program.ready, within=30, what="queue-admin is ready")
        self.recovery.append(time.monotonic() - since)

    def _began_after(self, since: float) -> bool:
        return any(run.began_at > since for runs in self._arena.history().runs.values() for run in runs)

    def judge(self, fault: str, words: str) -> None:
        """Bring to rest and add the row."""
        self.backend.stop()
        self._arena.come_to_rest()
        assert self.worker.process.alive
        assert self.admin.process.alive
        self.admin.process.kill()
        self._engine.close()
        _, store = self._arena.verdict(
            fault, words, recovery=self.recovery, within=LEASE_SECONDS * 20, note="failed jobs: 0, restarts: 0"
        )
        assert not store.indexes["failed"]


@pytest.mark.long_fault
@pytest.mark.parametrize("file_first", [True, False], ids=["the file first", "the server first"])
def test_a_new_password_of_the_store_is_taken_up_without_a_restart(
    arena: Arena, tmp_path: Path, *, file_first: bool
) -> None:
    secret = tmp_path / "password"
    secret.write_text("password-0")
    with redis.Redis.from_url(arena.url) as store:
        store.acl_setuser("service", enabled=True, passwords=["+password-0"], keys=["*"], commands=["+@all"])
        users = Users(arena, f"redis://service@{HOST}:{urlsplit(arena.url).port}/0?password_file={secret}")
        users.go_on(time.monotonic())

        def in_the_file(new: str) -> None:
            secret.write_text(new)

        def at_the_server(new: str) -> None:
            store.execute_command("ACL", "SETUSER", "service", "resetpass", f">{new}")
            store.execute_command("CLIENT", "KILL", "USER", "service")

        steps: list[Callable[[str], None]] = [in_the_file, at_the_server]
        for number in range(1, ROTATIONS + 1):
            arena.fault("a new password")
            for step in steps if file_first else reversed(steps):
                step(f"password-{number}")
                time.sleep(0.5)
            users.go_on(time.monotonic())
    users.judge(
        f"F24 ({'file' if file_first else 'server'} first)",
        f"the store's password exchanged {ROTATIONS} times under load, connections cut, "
        f"{'in the file' if file_first else 'at the server'} first",
    )


@pytest.fixture
def tls_folder(tmp_path: Path) -> Path:
    """Where the server's certificate and the authorities that clients trust lie."""
    folder = tmp_path / "tls"
    folder.mkdir()
    return folder


@pytest.fixture
def tls_store(tmp_path: Path, tls_folder: Path) -> Iterator[tuple[ValkeyServer, int]]:
    """A Redis 7.0 with a TLS port: the bundled Valkey is built without."""
    port = free_port()
    certificate, key = tls_folder / "server.pem", tls_folder / "server.key"
    a_certificate("first").write(certificate, key)
    extra = (
        f"tls-port {port}\ntls-cert-file {certificate}\ntls-key-file {key}\ntls-ca-cert-file {certificate}\n"
        "tls-auth-clients no"
    )
    server = a_valkey(tmp_path, extra=extra, binary=redis70.installed(tmp_path))
    server.start()
    yield server, port
    server.kill()


@pytest.fixture
def valkey_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ValkeyServer]:
    """The arena's store: the one with TLS where a test asks for it."""
    if "tls_store" in request.fixturenames:
        yield request.getfixturevalue("tls_store")[0]
        return
    server = a_valkey(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.mark.long_fault
def test_a_new_certificate_of_the_store_is_taken_up_without_a_restart(
    arena: Arena, tls_store: tuple[ValkeyServer, int], tls_folder: Path
) -> None:
    _, port = tls_store
    trusted, certificate, key = tls_folder / "trusted.pem", tls_folder / "server.pem", tls_folder / "server.key"
    trusted.write_bytes(certificate.read_bytes())
    users = Users(arena, f"rediss://:{PASSWORD}@{HOST}:{port}/0?ssl_ca_certs={trusted}")
    users.go_on(time.monotonic())
    with redis.Redis.from_url(arena.url) as store:
        for number in range(1, ROTATIONS + 1):
            arena.fault("a new certificate")
            new = a_certificate(f"number {number}")
            trusted.write_bytes(certificate.read_bytes() + new.certificate)
            new.write(certificate, key)
            store.config_set("tls-cert-file", str(certificate), "tls-key-file", str(key))
            store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            trusted.write_bytes(new.certificate)
            users.go_on(time.monotonic())
    users.judge("F24 (TLS)", f"the store's certificate exchanged {ROTATIONS} times under load, connections cut")

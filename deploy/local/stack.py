"""The whole local stack: servers, services, sink; what `make up` and the end-to-end tests start."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from local import postgres, services, valkey
from local.credentials import Credentials
from local.platform.load import load
from local.ports import HOST, choose
from local.process import Program
from local.registered import WorkersMissing, wait_for_workers
from local.services import QUEUES, Wiring, worker_setting
from local.settings import LocalSettings
from local.state import StateFolder
from local.supervisor import Stage, Supervisor

SERVICE_PORTS = (
    "PORT",
    "QUEUE_ADMIN_PORT",
    "AUDIT_PORT",
    "GATEWAY_METRICS_PORT",
    "QUEUE_ADMIN_METRICS_PORT",
    "AUDIT_METRICS_PORT",
    "SINK_SMTP_PORT",
    "SINK_HTTP_PORT",
)


class StackFailed(Exception):
    """The stack cannot be started, for a reason outside our processes."""


class Stack:
    """Start it, use it by its addresses, stop it. One thread uses it; its data stays in the state folder."""

    def __init__(self, settings: LocalSettings, *, say: Callable[[str], None]) -> None:
        """Raises PortInUse."""
        self.settings = settings
        self.folder = StateFolder(settings.state_folder)
        self.credentials = Credentials(self.folder)
        self.ports = choose(_wanted_ports(settings))
        self._say = say
        self.redis_url = settings.redis_url or valkey.url(self.ports["VALKEY_PORT"], self.credentials.secret("valkey"))
        self.database_url = settings.database_url or postgres.url(
            self.ports["POSTGRES_PORT"], self.credentials.secret("postgres")
        )
        stages = [Stage(self._servers(), self._after_servers), *services.stages(self._wiring())]
        self.supervisor = Supervisor(stages, logs=self.folder.logs, say=say)

    @property
    def url(self) -> str:
        """Where the REST gateway answers."""
        return f"http://{HOST}:{self.ports['PORT']}"

    @property
    def sink_url(self) -> str:
        """Where the sink shows what was delivered."""
        return f"http://{HOST}:{self.ports['SINK_HTTP_PORT']}"

    def start(self) -> None:
        """Prepare what the first start needs, then start all.

        Raises ProgramFailed, StackFailed, GatewayCommandFailed; stop() is the caller's then too.
        """
        if not self.folder.credentials.exists():
            self._say("making keys, users and passwords")
        self.credentials.prepare()
        if not self.settings.database_url:
            self._make_database()
        self.supervisor.start()
        self._wait_for_workers()
        self._configure_jobsctl()
        self.publish()

    def stop(self) -> None:
        """Stop all, the last started first; the data stays."""
        self.supervisor.stop()

    def publish(self) -> None:
        """Tell other shells where everything is."""
        self.folder.write_state(self.describe())

    def describe(self) -> dict[str, Any]:
        """Addresses and processes, without secrets."""
        return {
            "supervisor": os.getpid(),
            "gateway": self.url,
            "sink": self.sink_url,
            "ports": dict(self.ports),
            "processes": {child.name: {"pid": child.pid, "alive": child.alive} for child in self.supervisor},
        }

    def _configure_jobsctl(self) -> None:
        """So that the command line needs to be told the file only."""
        token_file = self.credentials.token_file("jobsctl").relative_to(self.folder.path)
        self.folder.jobsctl.write_text(f'url = "{self.url}"\ntoken_file = "{token_file}"\n')

    def _make_database(self) -> None:
        data = self.folder.path / "postgres"
        if not data.exists():
            self._say("making the database")
        password = self.credentials.secret("postgres")
        postgres.initialise(data, password=password, log=self.folder.logs / "initdb.log")

    def _servers(self) -> list[Program]:
        """Valkey and PostgreSQL, unless others are given."""
        servers = []
        if not self.settings.redis_url:
            password = self.credentials.secret("valkey")
            servers.append(
                valkey.program(self.folder.path / "valkey", port=self.ports["VALKEY_PORT"], password=password)
            )
        if not self.settings.database_url:
            password = self.credentials.secret("postgres")
            data = self.folder.path / "postgres"
            servers.append(postgres.program(data, port=self.ports["POSTGRES_PORT"], password=password))
        return servers

    def _after_servers(self) -> None:
        """Check the servers that were given, and put the platform's schema with its demo data in place."""
        if self.settings.redis_url and not valkey.answers(self.redis_url):
            raise StackFailed("the store that REDIS_URL names does not answer")
        try:
            load(self.database_url)
        except psycopg.Error as error:
            raise StackFailed(f"the database cannot be used: {error}") from error

    def _wait_for_workers(self) -> None:
        password = self.credentials.passwords()["ops@local"]
        try:
            wait_for_workers(self.url, email="ops@local", password=password, queues=QUEUES)
        except (WorkersMissing, httpx.HTTPError) as error:
            raise StackFailed(f"the services run but do not work together: {error}") from error

    def _wiring(self) -> Wiring:
        return Wiring(
            settings=self.settings,
            folder=self.folder,
            ports=self.ports,
            credentials=self.credentials,
            redis_url=self.redis_url,
            database_url=self.database_url,
        )


def _wanted_ports(settings: LocalSettings) -> dict[str, int]:
    """The port asked for, by setting; only of what is started."""
    wanted: dict[str, int] = {name: getattr(settings, name.lower()) for name in SERVICE_PORTS}
    for setting in ("WORKER_PORT", "WORKER_METRICS_PORT"):
        first: int = getattr(settings, setting.lower())
        for number in range(len(QUEUES)):
            wanted[worker_setting(setting, number)] = first + number if first else 0
    if not settings.redis_url:
        wanted["VALKEY_PORT"] = settings.valkey_port
    if not settings.database_url:
        wanted["POSTGRES_PORT"] = settings.postgres_port
    return wanted

"""The programs of our services and of the sink: command, environment, and when each is ready."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from local.credentials import Credentials
from local.ports import HOST
from local.process import Program
from local.settings import LocalSettings
from local.state import StateFolder
from local.supervisor import Stage

QUEUES = ("tickets", "notifications")
"""One worker process for each, so that slow notifications never hold up tickets."""
STOP_SECONDS = 15.0
DEPLOY = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything the programs need to find each other."""

    settings: LocalSettings
    folder: StateFolder
    ports: Mapping[str, int]
    credentials: Credentials
    redis_url: str
    database_url: str

    def address(self, port_setting: str) -> str:
        """host:port of what listens on a setting's port."""
        return f"{HOST}:{self.ports[port_setting]}"


def stages(wiring: Wiring) -> list[Stage]:
    """The services in the order they are started; stopping goes the other way."""
    return [
        Stage((sink(wiring), audit(wiring), queue_admin(wiring))),
        Stage((*(worker(wiring, queue, number) for number, queue in enumerate(QUEUES)), api_gateway(wiring))),
    ]


def audit(wiring: Wiring) -> Program:
    """The audit service; it runs its migrations when it starts."""
    own = {
        "AUDIT_HOST": HOST,
        "AUDIT_PORT": str(wiring.ports["AUDIT_PORT"]),
        "AUDIT_METRICS_PORT": str(wiring.ports["AUDIT_METRICS_PORT"]),
        "DATABASE_URL": wiring.database_url,
    }
    return _service(wiring, "audit", own, wiring.address("AUDIT_METRICS_PORT"))


def queue_admin(wiring: Wiring) -> Program:
    """The queue-admin service."""
    own = {
        "QUEUE_ADMIN_HOST": HOST,
        "QUEUE_ADMIN_PORT": str(wiring.ports["QUEUE_ADMIN_PORT"]),
        "QUEUE_ADMIN_METRICS_PORT": str(wiring.ports["QUEUE_ADMIN_METRICS_PORT"]),
        "QUEUE_ADMIN_AUDIT_ADDRESS": wiring.address("AUDIT_PORT"),
        "REDIS_URL": wiring.redis_url,
    }
    return _service(wiring, "queue-admin", own, wiring.address("QUEUE_ADMIN_METRICS_PORT"))


def worker(wiring: Wiring, queue: str, number: int) -> Program:
    """One worker process, for one queue."""
    own = {
        "WORKER_PORT": str(wiring.ports[worker_setting("WORKER_PORT", number)]),
        "WORKER_METRICS_PORT": str(wiring.ports[worker_setting("WORKER_METRICS_PORT", number)]),
        "WORKER_HOST": HOST,
        "WORKER_QUEUES": queue,
        "WORKER_QUEUE_ADMIN_ADDRESS": wiring.address("QUEUE_ADMIN_PORT"),
        "REDIS_URL": wiring.redis_url,
        "PLATFORM_DATABASE_URL": wiring.database_url,
    }
    defaults = {
        "WORKER_DRAIN_SECONDS": "10",  # a person waits for make down; the job runs again at the next start
        "SMTP_URL": f"smtp://{wiring.address('SINK_SMTP_PORT')}",
        "SMS_URL": f"http://{wiring.address('SINK_HTTP_PORT')}/sms",
        "PUSH_URL": f"http://{wiring.address('SINK_HTTP_PORT')}/push",
    }
    metrics = wiring.address(worker_setting("WORKER_METRICS_PORT", number))
    program = _service(wiring, "worker", own, metrics, defaults=defaults)
    drain = _seconds(program.environment["WORKER_DRAIN_SECONDS"])
    return replace(program, name=f"worker-{queue}", stop_seconds=drain + STOP_SECONDS)


def worker_setting(setting: str, number: int) -> str:
    """The name under which a further worker's port is chosen: WORKER_PORT, then WORKER_PORT + 1."""
    return f"{setting} + {number}" if number else setting


def api_gateway(wiring: Wiring) -> Program:
    """The REST gateway."""
    own = {
        "PORT": str(wiring.ports["PORT"]),
        "GATEWAY_HOST": HOST,
        "GATEWAY_METRICS_PORT": str(wiring.ports["GATEWAY_METRICS_PORT"]),
        "GATEWAY_QUEUE_ADMIN_ADDRESS": wiring.address("QUEUE_ADMIN_PORT"),
        "GATEWAY_AUDIT_ADDRESS": wiring.address("AUDIT_PORT"),
        "GATEWAY_USERS_FILE": str(wiring.credentials.users_file),
        "GATEWAY_SIGNING_KEY_FILE": str(wiring.credentials.signing_key_file),
    }
    badge = {"GATEWAY_ENVIRONMENT": "local"}
    return _service(wiring, "api-gateway", own, f"{wiring.address('PORT')}/health", defaults=badge)


def sink(wiring: Wiring) -> Program:
    """The local mail server and SMS and push provider; what they receive is shown on a page."""
    smtp, http = wiring.ports["SINK_SMTP_PORT"], wiring.ports["SINK_HTTP_PORT"]
    return Program(
        name="sink",
        command=(sys.executable, "-m", "local.sink", "--smtp-port", str(smtp), "--http-port", str(http)),
        folder=wiring.folder.path,
        environment={"PYTHONPATH": str(DEPLOY)},
        ready=lambda: answers(f"http://{HOST}:{http}/ready"),
    )


def _service(
    wiring: Wiring, service: str, own: Mapping[str, str], probe: str, *, defaults: Mapping[str, str] | None = None
) -> Program:
    """A service of ours. What was given for it in the settings wins over `defaults`, the wiring of `own` over both."""
    url = f"http://{probe}" if "/" in probe else f"http://{probe}/readyz"
    return Program(
        name=service,
        command=(sys.executable, "-m", service.replace("-", "_")),
        folder=wiring.folder.path,  # not the checkout: a service must not read the stack's .env by itself
        environment={
            **(defaults or {}),
            **wiring.settings.settings_of(service),
            **own,
            "AUTH_JWKS": str(wiring.credentials.jwks_file),
            "SERVICE_TOKEN_FILE": str(wiring.credentials.token_file(service)),
        },
        ready=lambda: answers(url),
        stop_seconds=STOP_SECONDS,
    )


def _seconds(setting: str) -> float:
    """A number of seconds; of one that the service will refuse itself, in better words, none."""
    try:
        return float(setting)
    except ValueError:
        return 0.0


def answers(url: str) -> bool:
    """An HTTP GET is answered with 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False

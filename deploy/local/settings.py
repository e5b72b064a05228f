"""What the local stack can be told: from the environment and `.env`, never from the services' code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError

PASSED_ON = {
    "queue-admin": ("QUEUE_ADMIN_",),
    "audit": ("AUDIT_",),
    "worker": ("WORKER_", "SMTP_", "SMS_", "PUSH_"),
    "api-gateway": ("GATEWAY_",),
}
"""Settings of each service that it gets unchanged when they are given, by prefix; nothing else leaks into a service."""
PASSED_TO_ALL = ("LOG_LEVEL", "JOB_UI_PAGE_SIZE", "JOB_KEEP_", "AUTH_EXTERNAL_", "OTEL_")


class SettingsProblem(Exception):
    """Settings of the stack cannot be used; one line each."""


class LocalSettings(BaseModel):
    """A port of 0 means a free one. Names in capitals are the variables: `port` is PORT."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    state_folder: Path = Path(".local")
    """Where it keeps data, keys and logs."""
    redis_url: str = Field("", repr=False)
    """Use this store instead of starting Valkey; it is never flushed."""
    database_url: str = Field("", repr=False)
    """Use this database instead of starting PostgreSQL."""
    port: int = Field(4000, ge=0, le=65535)
    """The gateway: REST and the dashboard."""
    queue_admin_port: int = Field(50051, ge=0, le=65535)
    """gRPC of queue-admin."""
    audit_port: int = Field(50052, ge=0, le=65535)
    """gRPC of audit."""
    worker_port: int = Field(50053, ge=0, le=65530)
    """gRPC of the first worker; the next ones follow."""
    gateway_metrics_port: int = Field(9040, ge=0, le=65535)
    """Metrics and probes of the gateway."""
    queue_admin_metrics_port: int = Field(9051, ge=0, le=65535)
    """Metrics and probes of queue-admin."""
    audit_metrics_port: int = Field(9052, ge=0, le=65535)
    """Metrics and probes of audit."""
    worker_metrics_port: int = Field(9053, ge=0, le=65530)
    """Metrics and probes of the first worker; the next ones follow."""
    sink_smtp_port: int = Field(1025, ge=0, le=65535)
    """Where the local mailbox takes mails."""
    sink_http_port: int = Field(8025, ge=0, le=65535)
    """Where it takes text and push messages, and shows all."""
    valkey_port: int = Field(0, ge=0, le=65535)
    """The store, when it is started here."""
    postgres_port: int = Field(0, ge=0, le=65535)
    """The database, when it is started here."""
    demo_exit: bool = False
    """End the demo with its verdict as exit status instead of staying up."""
    passed_on: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """Everything that was given, for settings_of()."""

    @classmethod
    def load(cls, env_file: str = ".env") -> LocalSettings:
        """Read everything at once; raises SettingsProblem naming every bad value."""
        in_file = {name: value for name, value in dotenv_values(env_file).items() if value is not None}
        given = {**in_file, **os.environ}  # noqa: TID251 - this is where the stack's settings come from
        values = {name: given[name.upper()] for name in cls.model_fields if given.get(name.upper())}
        try:
            return cls.model_validate({**values, "passed_on": given})
        except ValidationError as error:
            lines = (f"{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors())
            raise SettingsProblem("\n".join(lines)) from None

    def settings_of(self, service: str) -> dict[str, str]:
        """What was given for one service and is passed to it unchanged."""
        prefixes = (*PASSED_ON[service], *PASSED_TO_ALL)
        return {name: value for name, value in self.passed_on.items() if name.startswith(prefixes)}

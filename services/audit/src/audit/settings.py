"""What audit can be told; every field in capitals is its variable."""

from __future__ import annotations

from typing import ClassVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, field_validator

from service_kit.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    """Settings of audit beside those every service has. Ports: 0 takes a free one."""

    prefix: ClassVar[str] = "AUDIT_"

    database_url: str = Field(min_length=1, repr=False)
    """PostgreSQL 15 or newer: `postgresql://user:password@host:port/database`, or a file with it: DATABASE_URL_FILE."""
    job_ui_page_size: int = Field(25, ge=1, le=100)
    """Records on a page when the caller does not say."""
    audit_host: str = "[::]"
    """The address that both ports listen on; `[::]`: every one, by IPv6 and IPv4."""
    audit_port: int = Field(50052, ge=0, le=65535)
    """gRPC."""
    audit_metrics_port: int = Field(9052, ge=0, le=65535)
    """HTTP: `/metrics` for Prometheus, `/livez` and `/readyz` for probes."""
    audit_threads: int = Field(8, ge=2, le=256)
    """Calls served at a time, each with a database connection."""
    audit_migrate: bool = True
    """Apply missing migrations at the start; false: somebody else runs `python -m audit migrate`."""
    audit_verify_seconds: int = Field(86_400, ge=60)
    """How often the chain is verified from its first record; new records are verified within seconds."""
    audit_reflection: bool = True
    """Whether callers can ask the server for its contract, as grpcurl does."""
    audit_grace_seconds: float = Field(10.0, ge=0, le=300)
    """How long running calls may take to end at shutdown."""

    @field_validator("database_url")
    @classmethod
    def _database_url_is_one(cls, url: str) -> str:
        try:
            conninfo_to_dict(url)
        except psycopg.Error:  # its message would quote the text, and with it the password
            raise ValueError("is no PostgreSQL URL and no connection string") from None
        return url

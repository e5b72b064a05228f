"""What a worker can be told; every field in capitals is its variable."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from service_kit.retention import RetentionSettings


class WorkerSettings(RetentionSettings):
    """Settings of a worker beside those every service has. Ports: 0 takes a free one."""

    prefix: ClassVar[str] = "WORKER_"

    redis_url: str = Field(min_length=1, repr=False)
    """The queues' store: `redis://user:password@host:port/0`, or a file with it: REDIS_URL_FILE. Clusters and Sentinel:
    docs/stores.md."""
    platform_database_url: str = Field("", repr=False)
    """The platform's PostgreSQL, which the job types read and write."""
    worker_queues: str = ""
    """Queues this process serves, separated by commas; empty: all that have job types."""
    worker_threads: int = Field(8, ge=1, le=256)
    """Jobs that run at a time."""
    worker_host: str = ""
    """Where its gRPC service listens and is reached, such as a pod's address; empty: listens everywhere, is reached by
    the machine's name."""
    worker_port: int = Field(50053, ge=0, le=65535)
    """gRPC."""
    worker_metrics_port: int = Field(9053, ge=0, le=65535)
    """HTTP: `/metrics` for Prometheus, `/livez` and `/readyz` for probes."""
    worker_reflection: bool = True
    """Whether callers can ask the server for its contract, as grpcurl does."""
    worker_queue_admin_address: str = "127.0.0.1:50051"
    """Where it registers itself and its job types."""
    worker_lease_ms: int = Field(30_000, ge=1_000, le=600_000)
    """How long after the process froze or died its jobs run elsewhere; longer than any call that keeps the GIL."""
    worker_drain_seconds: float = Field(60.0, ge=0, le=3_600)
    """How long running jobs may take at shutdown before they are interrupted and given back."""
    smtp_url: str = Field("smtp://127.0.0.1:1025", repr=False)
    """The mail server: `smtp://`, `smtp+starttls://` or `smtps://`, then `user:password@host:port`."""
    smtp_from: str = "Property platform <no-reply@platform.local>"
    """The sender of every mail."""
    sms_url: str = Field("", repr=False)
    """Where text messages are posted; empty: there is no provider, and they wait."""
    sms_token: str = Field("", repr=False)
    """Sent to it as bearer token; empty: none."""
    push_url: str = Field("", repr=False)
    """Where push messages are posted; empty: there is no provider, and they wait."""
    push_token: str = Field("", repr=False)
    """Sent to it as bearer token; empty: none."""

    @field_validator("worker_host")
    @classmethod
    def _ipv6_in_brackets(cls, host: str) -> str:
        return f"[{host}]" if ":" in host and not host.startswith("[") else host

    def queues(self) -> list[str]:
        """The names in `worker_queues`."""
        return [name.strip() for name in self.worker_queues.split(",") if name.strip()]

"""What queue-admin can be told; every field in capitals is its variable."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from service_kit.retention import RetentionSettings


class QueueAdminSettings(RetentionSettings):
    """Settings of queue-admin beside those every service has. Ports: 0 takes a free one."""

    prefix: ClassVar[str] = "QUEUE_ADMIN_"

    redis_url: str = Field("redis://127.0.0.1:6379/0", repr=False)
    """The queues' store; clusters and Sentinel: docs/stores.md."""
    job_ui_page_size: int = Field(25, ge=1, le=100)
    """Jobs on a page when the caller does not say."""
    queue_admin_host: str = "[::]"
    """The address that both ports listen on; `[::]`: every one, by IPv6 and IPv4."""
    queue_admin_port: int = Field(50051, ge=0, le=65535)
    """gRPC."""
    queue_admin_metrics_port: int = Field(9051, ge=0, le=65535)
    """HTTP: `/metrics` for Prometheus, `/livez`, `/readyz` for probes, `/scaling/{queue}` for autoscalers."""
    queue_admin_threads: int = Field(16, ge=2, le=256)
    """Calls served at a time."""
    queue_admin_reflection: bool = True
    """Whether callers can ask the server for its contract, as grpcurl does."""
    queue_admin_audit_address: str = "127.0.0.1:50052"
    """Where it ships audit records: `host:port`, or `dns:///host:port` to balance over replicas."""
    queue_admin_store_timeout_seconds: float = Field(2.0, gt=0, le=30)
    """How long the store may take; below the callers' deadlines, so that they hear UNAVAILABLE and no bare deadline."""
    queue_admin_dead_count: int = Field(100_000, ge=1)
    """Dead jobs kept in each queue; the oldest beyond are discarded, with an audit record each."""
    queue_admin_dead_bytes: int = Field(256 * 1024**2, ge=1)
    """What the dead jobs of a queue may occupy in the store; beyond, as above."""
    queue_admin_grace_seconds: float = Field(10.0, ge=0, le=300)
    """How long running calls may take to end at shutdown."""

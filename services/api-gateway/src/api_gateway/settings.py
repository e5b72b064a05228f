"""What the gateway can be told."""

from __future__ import annotations

from ipaddress import ip_network
from typing import ClassVar

from pydantic import Field, field_validator

from service_kit.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """Settings of the gateway and of its commands. Ports of 0 take a free one."""

    prefix: ClassVar[str] = "GATEWAY_"

    port: int = Field(4000, ge=0, le=65535)
    """HTTP: REST and the dashboard."""
    gateway_host: str = "0.0.0.0"  # noqa: S104 - in a container; the network decides who gets there
    """The address that both ports listen on."""
    gateway_metrics_port: int = Field(9040, ge=0, le=65535)
    """HTTP: `/metrics` for Prometheus, `/livez` and `/readyz` for probes."""
    gateway_queue_admin_address: str = "127.0.0.1:50051"
    """Where it calls queue-admin: `host:port`, or `dns:///host:port` to balance over replicas."""
    gateway_audit_address: str = "127.0.0.1:50052"
    """Where it calls audit; likewise."""
    gateway_users_file: str = ""
    """Who may log in here; empty: nobody can, tokens come from an external issuer."""
    gateway_signing_key_file: str = ""
    """Private Ed25519 key, as JWK or PEM; made by `python -m api_gateway keys`."""
    gateway_token_seconds: int = Field(900, ge=60, le=3600)
    """How long an access token is good."""
    gateway_session_seconds: int = Field(43_200, ge=60, le=7 * 86_400)
    """How long after a login its token can be refreshed."""
    gateway_idle_seconds: int = Field(14_400, ge=60, le=7 * 86_400)
    """How long a session of the dashboard lasts after the last page somebody asked for."""
    gateway_environment: str = Field("", max_length=20)
    """What the dashboard's badge says, such as `production`, so that nobody acts in the wrong place; empty: none."""
    job_ui_page_size: int = Field(25, ge=1, le=100)
    """Jobs on a page of the dashboard."""
    gateway_root_path: str = Field("", pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$")
    """Where a reverse proxy shows the gateway, such as `/ops/queue`: pages, links and cookies stay below it. The proxy
    may pass this part of the path on or take it away; empty: at the host's root."""
    gateway_trusted_proxies: str = ""
    """Addresses or networks (comma list) whose X-Forwarded-For and X-Forwarded-Proto are believed; empty: none."""
    gateway_drain_seconds: int = Field(10, ge=0, le=300)
    """How long requests that run may go on after SIGTERM."""

    @field_validator("gateway_trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, proxies: str) -> str:
        for proxy in filter(None, map(str.strip, proxies.split(","))):
            try:
                ip_network(proxy)  # what is none would be believed of nobody, in silence
            except ValueError as error:
                raise ValueError(f"{proxy!r} is no address and no network: {error}") from None
        return proxies

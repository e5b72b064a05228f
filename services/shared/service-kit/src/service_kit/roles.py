"""The role check, the same for every call by gRPC and REST, and which roles there are."""

from __future__ import annotations

from collections.abc import Collection

from service_kit.errors import ServiceError

PUBLIC_ROLES = frozenset({"ADMIN", "OPS", "SERVICE"})
INTERNAL_ROLES = frozenset({"WORKER", "QUEUE_ADMIN"})
"""Roles of our own processes; no user's token and no external issuer can carry them."""
OUR_ROLES = PUBLIC_ROLES | INTERNAL_ROLES | {"TENANT"}
"""Roles our own issuer gives. TENANT stands for people of the platform who have no business here."""


def require_role(held: Collection[str], allowed: Collection[str]) -> None:
    """Raise ServiceError ROLE_REQUIRED, naming the roles allowed, unless a caller holds one of them."""
    if not set(held) & set(allowed):
        raise ServiceError("ROLE_REQUIRED", f"this needs one of the roles {', '.join(sorted(allowed))}")

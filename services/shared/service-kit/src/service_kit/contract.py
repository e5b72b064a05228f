"""What the contract says about each method: its roles and its messages, read from the generated descriptors."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from jobqueue.options.v1 import options_pb2
from service_kit.roles import INTERNAL_ROLES


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC of ours."""

    path: str  # "/jobqueue.queue.v1.QueueAdminService/RetryJob"
    name: str
    roles: frozenset[str]
    descriptor: MethodDescriptor

    @property
    def public(self) -> bool:
        """Somebody outside our own processes may call it."""
        return not self.roles <= INTERNAL_ROLES


def methods_of(*services: ServiceDescriptor) -> dict[str, Method]:
    """All methods of `services` by their path."""
    found = {}
    for service in services:
        for method in service.methods:
            names = method.GetOptions().Extensions[options_pb2.roles]
            roles = frozenset(options_pb2.Role.Name(r).removeprefix("ROLE_") for r in names)
            path = f"/{service.full_name}/{method.name}"
            found[path] = Method(path, method.name, roles, method)
    return found

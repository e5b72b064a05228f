"""Who may talk to whom, worked out from the policies as a cluster would, against the table of the architecture."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.support.manifests import Kustomize, Manifest, matches, of, pods

NAMESPACE = "jobqueue"
SERVICES = ("api-gateway", "queue-admin", "audit", "worker")
MAIL_AND_PROVIDERS = (25, 443, 465, 587)
# The architecture: from, to, port. In both overlays.
ALWAYS = {
    ("ingress-nginx", "api-gateway", 4000),
    ("a backend", "queue-admin", 50051),
    ("api-gateway", "queue-admin", 50051),
    ("api-gateway", "audit", 50052),
    ("queue-admin", "audit", 50052),
    ("queue-admin", "worker", 50053),
    ("worker", "queue-admin", 50051),
    ("keda", "queue-admin", 9090),
    *(("monitoring", service, 9090) for service in SERVICES),
    *(("worker", "somewhere", port) for port in MAIL_AND_PROVIDERS),
    *(("worker", "our network", port) for port in MAIL_AND_PROVIDERS),
    *((app, "kube-dns", 53) for app in (*SERVICES, "audit-migrate", "store-prepare")),
}
STORE_USERS = ("queue-admin", "worker", "store-prepare")
DATABASE_USERS = ("audit", "worker", "audit-migrate")
IN_CLUSTER = {
    *((app, "valkey", 6379) for app in STORE_USERS),
    *((app, "postgres", 5432) for app in DATABASE_USERS),
    *((app, "kube-dns", 53) for app in ("valkey", "postgres")),
}
OUTSIDE = {
    *((app, "our network", port) for app in (*STORE_USERS, "store-exporter") for port in (6379, 6380)),
    *((app, "our network", 5432) for app in DATABASE_USERS),
}
WATCHED = {("monitoring", "store-exporter", 9090), ("store-exporter", "kube-dns", 53)}
# An overlay, and components on top of it.
EXPECTED: dict[tuple[str, ...], set[tuple[str, str, int]]] = {
    ("dev",): ALWAYS | IN_CLUSTER,
    ("dev", "store-exporter"): ALWAYS | IN_CLUSTER | WATCHED | {("store-exporter", "valkey", 6379)},
    ("prod",): ALWAYS | OUTSIDE | WATCHED,
    ("prod", "network-policy/tracing"): ALWAYS | OUTSIDE | WATCHED | {(one, "monitoring", 4318) for one in SERVICES},
}
PORTS = {22, 25, 53, 80, 443, 465, 587, 3000, 4000, 4318, 5432, 6379, 6380, 8080, 9090, 50051, 50052, 50053}


@dataclass(frozen=True, slots=True)
class Peer:
    """A pod of ours, a pod of another namespace, or (with `address`) something outside of the cluster."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] = field(default_factory=dict)
    address: str = ""

    @property
    def is_ours(self) -> bool:
        """Our policies are about it."""
        return self.namespace.get("kubernetes.io/metadata.name") == NAMESPACE


def other(name: str, **labels: str) -> Peer:
    return Peer(name, labels, {"kubernetes.io/metadata.name": name})


OTHERS = (
    other("ingress-nginx"),
    other("monitoring"),
    other("keda"),
    other("stranger"),
    Peer("a backend", {}, {"kubernetes.io/metadata.name": "backends", "jobqueue/client": "true"}),
    Peer("kube-dns", {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"}),
    Peer("kube-system", {}, {"kubernetes.io/metadata.name": "kube-system"}),
    Peer("somewhere", address="203.0.113.7"),
    Peer("our network", address="10.1.2.3"),
    Peer("cloud metadata", address="169.254.169.254"),
)


def is_peer(rule: Mapping[str, Any], peer: Peer) -> bool:
    if "ipBlock" in rule:
        if not peer.address:
            return False
        address, block = ipaddress.ip_address(peer.address), rule["ipBlock"]
        inside = address in ipaddress.ip_network(block["cidr"])
        return inside and not any(address in ipaddress.ip_network(cidr) for cidr in block.get("except", ()))
    if peer.address:
        return False
    selected = rule.get("namespaceSelector")
    in_namespace = peer.is_ours if selected is None else matches(selected, peer.namespace)
    return in_namespace and matches(rule.get("podSelector", {}), peer.labels)


def lets_through(policies: list[Manifest], direction: str, ours: Peer, peer: Peer, port: int) -> bool:
    """Whether the policies about `ours` allow the other side in a direction; all is allowed where none is."""
    about = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and matches(policy["spec"]["podSelector"], ours.labels)
    ]
    key = {"Ingress": "from", "Egress": "to"}[direction]
    rules = [rule for spec in about for rule in spec.get(direction.lower(), ())]
    return not about or any(
        ("ports" not in rule or port in {one["port"] for one in rule["ports"]})
        and (key not in rule or any(is_peer(one, peer) for one in rule[key]))
        for rule in rules
    )


@pytest.mark.parametrize("parts", EXPECTED, ids=" ".join)
def test_exactly_the_edges_of_the_architecture_are_open(kustomize: Kustomize, parts: tuple[str, ...]) -> None:
    manifests = kustomize.with_components(*parts)
    policies = list(of(manifests, "NetworkPolicy"))
    inside = {pod.app: Peer(pod.app, pod.labels, {"kubernetes.io/metadata.name": NAMESPACE}) for pod in pods(manifests)}
    peers = [*inside.values(), *OTHERS]

    open_edges = {
        (source.name, target.name, port)
        for source in peers
        for target in peers
        for port in PORTS
        if (source.is_ours or target.is_ours)
        and (not source.is_ours or lets_through(policies, "Egress", source, target, port))
        and (not target.is_ours or lets_through(policies, "Ingress", target, source, port))
    }

    assert open_edges - EXPECTED[parts] == set(), "open, and not in the architecture"
    assert EXPECTED[parts] - open_edges == set(), "in the architecture, and closed"


def test_every_port_of_every_pod_is_among_those_asked_about(overlays: dict[str, list[Manifest]]) -> None:
    declared = {port for manifests in overlays.values() for pod in pods(manifests) for port in pod.ports().values()}

    assert declared <= PORTS

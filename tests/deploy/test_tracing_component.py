"""Tracing on Kubernetes: off as shipped, and for every service by one component with the way to the collector."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.conftest import OVERLAYS
from deploy.support import environment as settings
from deploy.support.engine import CHECKOUT
from deploy.support.manifests import Kustomize, Manifest, Pod, environment, named, pods
from deploy.test_manifest_references import IMAGE_ENVIRONMENT

SERVICES = {"api-gateway", "queue-admin", "audit", "worker-tickets", "worker-notifications"}


def traced(manifests: list[Manifest]) -> dict[str, str]:
    """Where each service sends its traces, by its own settings; those that send none left out."""
    found = {
        pod.name: endpoint(manifests, pod) for pod in pods(manifests) if pod.kind == "Deployment" and pod.is_ours()
    }
    return {name: url for name, url in found.items() if url}


def endpoint(manifests: list[Manifest], pod: Pod) -> str:
    model = settings.SETTINGS[pod.container["args"][0]]
    given: dict[str, Any] = {
        name.lower(): value for name, value in environment(manifests, pod).items() if name.startswith("OTEL_")
    }
    return model.model_construct(**given).traces_endpoint()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_traced_as_shipped(overlays: dict[str, list[Manifest]], overlay: str) -> None:
    assert traced(overlays[overlay]) == {}


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, kustomize: Kustomize) -> list[Manifest]:
    return kustomize.with_components(request.param, "tracing", "network-policy/tracing")


def test_the_component_lets_every_service_trace_to_one_collector(manifests: list[Manifest]) -> None:
    found = traced(manifests)

    assert found.keys() == SERVICES
    assert len(set(found.values())) == 1


def test_every_service_takes_the_components_settings(manifests: list[Manifest]) -> None:
    for pod in (pod for pod in pods(manifests) if pod.is_ours()):
        command = tuple(pod.container["args"])
        assert settings.problems(command, environment(manifests, pod), IMAGE_ENVIRONMENT) == [], pod.name


def test_the_way_that_is_opened_leads_to_the_collector_that_is_named(manifests: list[Manifest]) -> None:
    (url,) = {urlsplit(url) for url in traced(manifests).values()}
    (rule,) = named(manifests, "NetworkPolicy", "to-collector")["spec"]["egress"]
    (namespace,) = (to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for to in rule["to"])

    assert str(url.hostname).split(".")[1:] == [namespace, "svc", "cluster", "local"]
    assert rule["ports"] == [{"port": url.port}]


def test_what_the_page_says_leads_elsewhere(kustomize: Kustomize) -> None:
    page = (CHECKOUT / "docs/observability.md").read_text()
    (block,) = re.findall(r"```yaml\n(components:.*?)```", page, re.DOTALL)
    manifests = kustomize.with_parts("prod", yaml.safe_load(block))
    rules = named(manifests, "NetworkPolicy", "to-collector")["spec"]["egress"]

    assert traced(manifests) == dict.fromkeys(SERVICES, "http://collector.example.org:4318/v1/traces")
    assert rules == [{"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 4318}]}]

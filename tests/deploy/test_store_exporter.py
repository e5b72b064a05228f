"""What the alerts on the store ask for is what redis_exporter tells, set as we ship it (here: Debian's)."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from deploy.support import compose
from deploy.support.manifests import Manifest, environment, named, pods
from fixtures.valkey import PASSWORD, a_valkey
from local.ports import HOST, free_port
from local.process import Child, Program
from local.services import answers
from prometheus.manifest import RULES
from support.prometheus import program

OF_A_REPLICA = {"redis_connected_slave_lag_seconds"}


@dataclass(frozen=True, slots=True)
class Shipped:
    """How an exporter is set, and what Prometheus asks it for."""

    image: str
    environment: Mapping[str, str]
    path: str
    health: str = "/health"


def of_compose() -> Shipped:
    service = compose.read("compose.yaml")["services"]["redis-exporter"]
    return Shipped(service["image"], service["environment"], "/metrics")


def of_kubernetes(manifests: list[Manifest], store: str) -> Shipped:
    """Asked about `store` in place of the one that the overlay names."""
    (pod,) = (pod for pod in pods(manifests) if pod.app == "store-exporter")
    (endpoint,) = named(manifests, "PodMonitor", "store")["spec"]["podMetricsEndpoints"]
    assert endpoint["params"].keys() == {"target"}
    (health,) = {pod.container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    path = f"{endpoint['path']}?{urlencode({'target': store})}"
    return Shipped(pod.container["image"], environment(manifests, pod), path, health)


@pytest.fixture(params=["compose", "kubernetes"])
def page(request: pytest.FixtureRequest, overlays: dict[str, list[Manifest]], tmp_path: Path) -> Iterator[str]:
    """What an exporter tells about a store with a password."""
    store = a_valkey(tmp_path)
    store.start()
    address, port = f"redis://{store.url.rpartition('@')[2].partition('/')[0]}", free_port()
    shipped = of_compose() if request.param == "compose" else of_kubernetes(overlays["prod"], address)
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({address: PASSWORD}))
    here = {"REDIS_PASSWORD_FILE": str(passwords), "REDIS_EXPORTER_WEB_LISTEN_ADDRESS": f"{HOST}:{port}"}
    if shipped.environment["REDIS_ADDR"]:
        here["REDIS_ADDR"] = address
    exporter = Child(
        Program(
            name="redis_exporter",
            command=(str(program("prometheus-redis-exporter")),),
            folder=tmp_path,
            environment={**shipped.environment, **here},
            ready=lambda: answers(f"http://{HOST}:{port}{shipped.health}"),
        ),
        tmp_path / "exporter.log",
    )
    try:
        exporter.start()
        exporter.wait_ready()
        with urllib.request.urlopen(f"http://{HOST}:{port}{shipped.path}", timeout=10) as answer:
            yield answer.read().decode()
    finally:
        exporter.kill()
        store.kill()


def test_the_exporter_tells_what_the_alerts_on_the_store_read(page: str) -> None:
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    asked = {name for expr in rules for name in re.findall(r"\bredis_[a-z_]+", expr)}

    told = set(re.findall(r"^(redis_[a-z_]+)[{ ]", page, re.MULTILINE))
    assert "redis_up 1" in page
    assert asked - told == OF_A_REPLICA
    assert 'maxmemory_policy="noeviction"' in page


def test_the_cluster_runs_the_exporter_of_the_compose_stack(overlays: dict[str, list[Manifest]]) -> None:
    assert of_kubernetes(overlays["prod"], "").image == of_compose().image


def test_its_series_are_named_alike_on_compose_and_in_the_cluster(overlays: dict[str, list[Manifest]]) -> None:
    config: dict[str, Any] = yaml.safe_load((compose.FOLDER / "prometheus.yml").read_text())
    (scraped,) = (job for job in config["scrape_configs"] if job["job_name"] == "store")
    (labels,) = (target["labels"] for target in scraped["static_configs"])
    (endpoint,) = named(overlays["prod"], "PodMonitor", "store")["spec"]["podMetricsEndpoints"]
    service, instance = endpoint["relabelings"]

    assert labels.keys() == {service["targetLabel"], instance["targetLabel"]}
    assert service == {"targetLabel": "service", "replacement": labels["service"]}
    assert instance["sourceLabels"] == ["__param_target"]  # the store, not the exporter's pod

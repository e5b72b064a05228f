"""The compose files as Docker's own parser reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.support import compose, environment
from deploy.support.dockerfile import parse
from deploy.support.image import DOCKERFILE
from deploy.test_dockerfile import PINNED
from docker.make_secrets import make_secrets
from local.valkey import CONFIGURATION

IMAGE_ENVIRONMENT = parse(DOCKERFILE)[-1].environment()
FILES = {"compose": ("compose.yaml",), "test": ("compose.yaml", "compose.test.yaml")}
WORKERS_DRAIN_SECONDS = 60.0
SPARE_SECONDS = 10.0


@pytest.fixture(scope="module", params=FILES, ids=str)
def project(request: pytest.FixtureRequest) -> dict[str, Any]:
    return compose.read(*FILES[request.param])


@pytest.fixture
def services(project: dict[str, Any]) -> dict[str, Any]:
    return dict(project["services"])


def ours(services: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if "build" in service}


def test_every_image_is_pinned(services: dict[str, Any]) -> None:
    assert [s["image"] for s in services.values() if not PINNED.fullmatch(s["image"])] == []


def test_every_container_is_confined(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name


def test_every_program_gets_settings_that_it_knows_and_all_that_it_needs(services: dict[str, Any]) -> None:
    checked = 0
    for name, service in ours(services).items():
        command = tuple(service.get("command") or ())
        if command and command[0] in environment.SETTINGS:
            found = environment.problems(command, service.get("environment") or {}, IMAGE_ENVIRONMENT)
            assert found == [], name
            checked += 1
    assert checked >= 10


def test_files_that_settings_name_are_mounted(services: dict[str, Any]) -> None:
    for name, service in ours(services).items():
        mounted = [volume["target"] for volume in service.get("volumes", [])]
        mounted += [secret["target"] for secret in service.get("secrets", [])]
        for variable, value in (service.get("environment") or {}).items():
            if variable.endswith("_FILE") or variable == "AUTH_JWKS":
                assert any(value == place or value.startswith(f"{place}/") for place in mounted), f"{name}: {variable}"


def test_only_the_gateway_and_what_signs_sees_the_signing_key(services: dict[str, Any]) -> None:
    seen_by = {
        name
        for name, service in services.items()
        if any(volume["target"] == "/keys/private" for volume in service.get("volumes", []))
    }

    assert seen_by <= {"api-gateway", "keys", "queue-admin-token", "worker-token", "backend-token"}


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    published = [(name, port.get("host_ip")) for name, s in services.items() for port in s.get("ports", [])]

    assert {address for _, address in published} <= {"127.0.0.1"}


def test_what_runs_gets_the_time_to_end(services: dict[str, Any]) -> None:
    for name, service in ours(services).items():
        drain = WORKERS_DRAIN_SECONDS if name.startswith("worker-") and name != "worker-token" else 10.0
        assert compose.seconds(service["stop_grace_period"]) >= drain + SPARE_SECONDS, name


def test_each_queue_has_a_worker_of_its_own(services: dict[str, Any]) -> None:
    queues = [s["environment"]["WORKER_QUEUES"] for s in services.values() if s.get("command") == ["worker"]]

    assert sorted(queues) == ["notifications", "tickets"]


def test_nothing_starts_before_what_it_needs_is_there(services: dict[str, Any]) -> None:
    conditions = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }

    assert conditions["audit"]["audit-migrate"] == "service_completed_successfully"
    assert conditions["queue-admin"]["store-prepare"] == "service_completed_successfully"
    for service in ("audit", "queue-admin", "api-gateway"):
        assert "service_started" not in conditions[service].values()


def test_the_stores_are_set_as_in_the_local_stack() -> None:
    def directives(text: str) -> dict[str, str]:
        lines = (line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith(("#", "{")))
        return {words[0]: words[1] for words in lines}

    shipped, local = directives((compose.FOLDER / "valkey.conf").read_text()), directives(CONFIGURATION)

    for name in ("appendonly", "appendfsync", "save", "maxmemory-policy", "hash-max-listpack-value"):
        assert shipped[name] == local[name]


def test_prometheus_scrapes_services_that_are_there(services: dict[str, Any]) -> None:
    config = yaml.safe_load((compose.FOLDER / "prometheus.yml").read_text())
    (discovery,) = config["scrape_configs"][0]["dns_sd_configs"]

    running = {name for name, s in ours(services).items() if s.get("restart") == "unless-stopped"} - {"sink"}
    assert set(discovery["names"]) == running
    assert str(discovery["port"]) == IMAGE_ENVIRONMENT["WORKER_METRICS_PORT"]


def test_prometheus_asks_the_stores_exporter(services: dict[str, Any]) -> None:
    config = yaml.safe_load((compose.FOLDER / "prometheus.yml").read_text())
    (target,) = config["scrape_configs"][1]["static_configs"][0]["targets"]

    assert target.partition(":")[0] in services


def test_secrets_are_made_once_and_fit_together(tmp_path: Path, project: dict[str, Any]) -> None:
    folder = tmp_path / "secrets"

    assert make_secrets(folder)
    text = {path.name: path.read_text() for path in folder.iterdir()}
    assert not make_secrets(folder)

    assert {path.name: path.read_text() for path in folder.iterdir()} == text
    assert set(text) == set(project["secrets"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert text["postgres-password"] in text["database-url"]
    password = re.match(r"requirepass (\S+)", text["valkey-password.conf"])
    assert password is not None
    assert f":{password[1]}@valkey:" in text["redis-url"]
    exporter = project["services"]["redis-exporter"]["environment"]
    assert json.loads(text["redis-exporter.json"]) == {exporter["REDIS_ADDR"]: password[1]}

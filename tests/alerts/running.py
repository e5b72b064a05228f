"""Debian's Prometheus and redis_exporter as processes that watch a running stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from alerts.rendering import SCRAPE_SECONDS, rendered
from fixtures.stack import RunningStack
from local.ports import HOST, free_port
from local.process import Child, Program
from local.services import answers
from support.prometheus import program
from support.waiting import wait_until

SCRAPED = {
    "api-gateway": "GATEWAY_METRICS_PORT",
    "queue-admin": "QUEUE_ADMIN_METRICS_PORT",
    "audit": "AUDIT_METRICS_PORT",
    "worker-tickets": "WORKER_METRICS_PORT",
    "worker-notifications": "WORKER_METRICS_PORT + 1",
}
FIRES_SECONDS = 180.0  # each is due within half a minute; a busy machine scrapes when it can


@dataclass(frozen=True, slots=True)
class Watch:
    """A Prometheus that scrapes a stack."""

    url: str

    def firing(self, name: str, **labels: str) -> list[dict[str, Any]]:
        """The firing alerts of this name that have these labels."""
        found = self._ask("alerts")["alerts"]
        wanted = {"alertname": name, **labels}.items()
        return [one for one in found if one["state"] == "firing" and wanted <= one["labels"].items()]

    def wait_for(self, name: str, **labels: str) -> dict[str, Any]:
        """The alert, once it fires."""
        what = f"{name} fires; now: {self._ask('alerts')['alerts']}"
        return wait_until(lambda: self.firing(name, **labels), within=FIRES_SECONDS, every=0.5, what=what)[0]

    def wait_for_end(self, name: str, **labels: str) -> None:
        """Return once it fires no longer."""
        wait_until(lambda: not self.firing(name, **labels), within=FIRES_SECONDS, every=0.5, what=f"{name} ends")

    def targets_up(self) -> set[str]:
        """The services whose last scrape succeeded."""
        found = self._ask("targets")["activeTargets"]
        return {one["labels"]["service"] for one in found if one["health"] == "up"}

    def _ask(self, what: str) -> Any:
        return httpx.get(f"{self.url}/api/v1/{what}", timeout=10).raise_for_status().json()["data"]


@contextmanager
def watching(stack: RunningStack, folder: Path) -> Iterator[Watch]:
    """A Prometheus with our rules on this stack and its store, which is looked at through redis_exporter."""
    exporter, prometheus = free_port(), free_port()
    targets = {name: f"{HOST}:{stack.stack.ports[setting]}" for name, setting in SCRAPED.items()}
    (folder / "rules.yml").write_text(rendered())
    (folder / "prometheus.yml").write_text(configuration({**targets, "store": f"{HOST}:{exporter}"}))
    with ExitStack() as running:
        for one in (_exporter(stack, exporter, folder), _prometheus(prometheus, folder)):
            child = Child(one, folder / f"{one.name}.log")
            running.callback(child.stop)
            child.start()
            child.wait_ready()
        watch = Watch(f"http://{HOST}:{prometheus}")
        wait_until(lambda: watch.targets_up() == {*SCRAPED, "store"}, within=60, what="all targets are up")
        yield watch


def configuration(targets: dict[str, str]) -> str:
    """What Prometheus reads: as of the compose stack, but for the addresses and the pace."""
    pace = f"{SCRAPE_SECONDS}s"
    static = [{"targets": [address], "labels": {"service": name}} for name, address in targets.items()]
    settings = {
        "global": {"scrape_interval": pace, "scrape_timeout": pace, "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "jobqueue", "static_configs": static}],
    }
    return str(yaml.safe_dump(settings))


def _prometheus(port: int, folder: Path) -> Program:
    address = f"{HOST}:{port}"
    return Program(
        name="prometheus",
        command=(
            str(program("prometheus")),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={address}",
        ),
        folder=folder,
        ready=lambda: answers(f"http://{address}/-/ready"),
    )


def _exporter(stack: RunningStack, port: int, folder: Path) -> Program:
    store = urlsplit(stack.redis_url)
    return Program(
        name="redis_exporter",
        command=(str(program("prometheus-redis-exporter")), f"-web.listen-address={HOST}:{port}"),
        folder=folder,
        environment={"REDIS_ADDR": f"redis://{store.hostname}:{store.port}", "REDIS_PASSWORD": store.password or ""},
        ready=lambda: answers(f"http://{HOST}:{port}/health"),
    )

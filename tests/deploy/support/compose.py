"""A compose project as Docker's own parser reads it, and started in its order by `engine`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.support.engine import CHECKOUT, Container, Image, Mount, Network

FOLDER = CHECKOUT / "deploy/docker"
COMPOSE = Path(sys.executable).with_name("docker-compose")
HEALTHY_SECONDS = 180.0
ONCE_SECONDS = 120.0
PAUSE_SECONDS = 0.3


def read(*files: str) -> dict[str, Any]:
    """What the parser makes of these files of deploy/docker, merged; raises CalledProcessError with its complaint."""
    chosen = [part for name in files for part in ("--file", str(FOLDER / name))]
    command = [str(COMPOSE), *chosen, "--profile", "*", "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def seconds(duration: str) -> float:
    """`1m15s` as compose writes it."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([hms])", duration))


@dataclass
class Project:
    """Services started one after the other, what each depends on first."""

    services: Mapping[str, Any]
    scratch: Path
    network: Network
    images: Mapping[str, Image]
    secrets: Path
    started: dict[str, Container] = field(default_factory=dict)

    def up(self, name: str) -> Container:
        """Start a service, everything it depends on before it."""
        if name in self.started:
            return self.started[name]
        for other, how in self.services[name].get("depends_on", {}).items():
            if self.services[other]["image"] not in self.images:
                continue  # Prometheus and Grafana, which nothing needs to work
            container = self.up(other)
            if how["condition"] == "service_completed_successfully":
                container.wait(ONCE_SECONDS)
            elif how["condition"] == "service_healthy":
                self.wait_healthy(other)
        self.started[name] = self._start(name)
        return self.started[name]

    def health_check(self, name: str) -> tuple[str, ...]:
        """Its image's where that has one of ours, else the service's own."""
        service = self.services[name]
        own = service.get("healthcheck", {}).get("test", ())
        ours = "build" in service
        return (
            tuple(own[1:])
            if own and (ours or not self.images[service["image"]].health)
            else self.images[service["image"]].health
        )

    def wait_healthy(self, name: str) -> None:
        """Run its health check in it until it passes; raises AssertionError with what it said last."""
        container, check = self.started[name], self.health_check(name)
        give_up_at = time.monotonic() + HEALTHY_SECONDS
        while (done := container.run(*check)).returncode != 0:
            assert time.monotonic() < give_up_at, f"{name}: {done.stdout}{done.stderr}\n{container.tail()}"
            time.sleep(PAUSE_SECONDS)

    def mounts(self, name: str) -> list[Mount]:
        """Its volumes, secrets and places in memory."""
        service = self.services[name]
        found = [
            Mount(f"/run/secrets/{secret['source']}", str(self.secrets / secret["source"]), read_only=True)
            for secret in service.get("secrets", [])
        ]
        for volume in service.get("volumes", []):
            source = volume["source"] if volume["type"] == "bind" else str(self._volume(name, volume))
            found.append(Mount(volume["target"], source, read_only=volume.get("read_only", False)))
        for place in service.get("tmpfs", []):
            target, _, options = place.partition(":")
            found.append(Mount(target, memory=options or "mode=1777"))
        return found

    def _volume(self, name: str, volume: Mapping[str, Any]) -> Path:
        """A named volume as an engine makes it: with the owner that its place has in the image."""
        folder = self.scratch / "volumes" / str(volume["source"])
        if not folder.exists():
            folder.mkdir(parents=True)
            place = self.images[self.services[name]["image"]].layers[0] / volume["target"].removeprefix("/")
            folder.chmod(place.stat().st_mode & 0o7777)
            os.chown(folder, place.stat().st_uid, place.stat().st_gid)
        return folder

    def _start(self, name: str) -> Container:
        service = self.services[name]
        return self.network.start(
            name,
            self.images[service["image"]],
            environment=service.get("environment", {}),
            command=service.get("command") or (),
            entrypoint=service.get("entrypoint") or (),
            mounts=self.mounts(name),
        )

"""A container engine small enough for a test: our Dockerfile built for real, containers as Linux namespaces.

It stands in where no Docker runs. The base image is the host's own root (with the tests' interpreter), everything else
is as with Docker: the image's files, exact command, environment and user, process 1, a read-only root, no capabilities,
a network of its own with neighbours by name. Needs root, overlay mounts and iproute2.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import debian

INIT = Path(__file__).with_name("container_init.py")
CHECKOUT = Path(__file__).parents[3]
NUMBERS = itertools.count(1)


class ContainerFailed(Exception):
    """A container ended with another status than wanted; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder, file or (with `memory`, tmpfs options) memory inside a container."""

    target: str
    source: str = ""
    read_only: bool = False
    memory: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Folders that lie over the host's root, the topmost first, and how its program is run."""

    layers: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    user: int = 0
    folder: str = "/"


@dataclass(slots=True, kw_only=True)
class Container:
    """A started one."""

    name: str
    namespace: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Process 1 of the container, as the host numbers it; raises ContainerFailed when it has ended."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while self.process.poll() is None:
            if found := children.read_text().split():
                return int(found[0])
            time.sleep(0.02)  # it is being made
        raise ContainerFailed(f"{self.name} has ended:\n{self.tail()}")

    def tail(self) -> str:
        """The end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def wait(self, within: float) -> None:
        """Wait for its end with status 0; raises ContainerFailed."""
        status = self.process.wait(within)
        if status != 0:
            raise ContainerFailed(f"{self.name} ended with status {status}:\n{self.tail()}")

    def stop(self, within: float, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it as an engine does; returns the seconds it took. Raises ContainerFailed when it had to be killed."""
        started = time.monotonic()
        os.kill(self.pid, number)
        try:
            self.wait(within)
        except subprocess.TimeoutExpired as error:
            raise ContainerFailed(f"{self.name} did not end within {within} s:\n{self.tail()}") from error
        return time.monotonic() - started

    def run(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """A further command inside it, with its environment and its rights, as `docker exec` and health checks do."""
        pid = self.pid
        environment = dict(
            entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in entry
        )
        entering = ["nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--uts", f"--root=/proc/{pid}/root"]
        user = status_of(pid)["Uid"].split()[0]
        becoming = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        cleaned = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        return subprocess.run(
            [*entering, *becoming, *cleaned, *command],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def listening_ports(self) -> set[int]:
        """TCP ports on which anything in it listens for others."""
        return {
            int(fields[1].rpartition(":")[2], 16)
            for table in ("tcp", "tcp6")
            for fields in map(str.split, Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:])
            if fields[3] == "0A" and not fields[1].startswith("0100007F")
        }


def status_of(pid: int) -> dict[str, str]:
    """/proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


class Network:
    """Containers that reach each other by name, and nobody else. Close it, and everything in it is gone."""

    def __init__(
        self, scratch: Path, names: Sequence[str], services: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`names` of containers, and names of services with the containers behind each."""
        self.scratch = scratch
        self._prefix = f"jq{os.getpid()}-{next(NUMBERS)}"
        self.addresses = {name: f"10.77.0.{number}" for number, name in enumerate(names, 2)}
        # Services first: gRPC's resolver gives a name only the first address that has no name yet in a hosts file.
        behind = {**(services or {}), **{name: [name] for name in names}}
        self._hosts = [(self.addresses[member], name) for name, members in behind.items() for member in members]
        self._namespaces: list[str] = []
        self._started: list[Container] = []
        self._lan = self._add_namespace("lan")
        ip("-n", self._lan, "link", "add", "bridge", "type", "bridge")
        ip("-n", self._lan, "link", "set", "bridge", "up")

    def start(  # everything an engine can be told about one
        self,
        name: str,
        image: Image,
        *,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
        entrypoint: Sequence[str] = (),
        user: int | None = None,
        mounts: Sequence[Mount] = (),
    ) -> Container:
        """Start a container under one of the network's names, with a read-only root."""
        number = next(NUMBERS)
        namespace = self._plug_in(name, number)
        scratch = self.scratch / f"{name}-{number}"
        spec = {
            **base_spec(scratch, image.layers),
            "environment": {"PATH": "/usr/bin:/bin", **image.environment, **(environment or {})},
            "command": [*(entrypoint or image.entrypoint), *(command or image.command)],
            "user": image.user if user is None else user,
            "folder": image.folder,
            "read_only": True,
            "network": {"hostname": name, "hosts": self._hosts},
            "mounts": [{k: getattr(m, k) for k in ("target", "source", "read_only", "memory")} for m in mounts],
        }
        log = scratch / "log"
        process = launch(spec, scratch, log, ["ip", "netns", "exec", namespace])
        self._started.append(Container(name=name, namespace=namespace, log=log, process=process))
        return self._started[-1]

    def close(self) -> None:
        """Kill what still runs and take the network away; raises ContainerFailed when something outlives it."""
        for container in self._started:
            container.process.kill()  # its process 1 goes with it
            container.process.wait(10)
        for namespace in self._namespaces:
            _wait_until_empty(namespace)
            ip("netns", "delete", namespace)

    def _plug_in(self, name: str, number: int) -> str:
        namespace, cable = self._add_namespace(f"{number}"), f"v{number}"
        ip("-n", self._lan, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        ip("-n", self._lan, "link", "set", cable, "master", "bridge", "up")
        ip("-n", namespace, "address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
        ip("-n", namespace, "link", "set", "eth0", "up")
        return namespace

    def _add_namespace(self, name: str) -> str:
        namespace = f"{self._prefix}-{name}"
        ip("netns", "add", namespace)
        self._namespaces.append(namespace)
        ip("-n", namespace, "link", "set", "lo", "up")
        return namespace


def _wait_until_empty(namespace: str) -> None:
    deadline = time.monotonic() + 10
    command = ["/usr/bin/env", "ip", "netns", "pids", namespace]
    while pids := subprocess.run(command, check=True, capture_output=True, text=True).stdout.split():
        if time.monotonic() > deadline:
            raise ContainerFailed(f"in the network namespace {namespace} there still runs {', '.join(pids)}")
        time.sleep(0.05)


def base_spec(scratch: Path, layers: Sequence[Path]) -> dict[str, Any]:
    """What every container gets."""
    hidden = {"/tmp", "/root", "/home", f"/{CHECKOUT.parts[1]}", f"/{scratch.parts[1]}"}  # noqa: S108 - hides it
    return {
        "scratch": str(scratch),
        "layers": [str(layer) for layer in layers],
        "hidden": sorted(hidden),
        "python": sys.base_prefix,
        "network": None,
        "mounts": [],
    }


def launch(spec: dict[str, Any], scratch: Path, log: Path, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start what `spec` says in new namespaces; it dies with this process's child."""
    scratch.mkdir(parents=True)
    (scratch / "spec.json").write_text(json.dumps(spec))
    entering = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child=KILL"]
    interpreter = [sys.executable, "-I", "-S", str(INIT), str(scratch / "spec.json")]
    with log.open("wb") as output:
        return subprocess.Popen([*before, *entering, *interpreter], stdout=output, stderr=subprocess.STDOUT)


def ip(*arguments: str) -> None:
    """iproute2; raises CalledProcessError."""
    subprocess.run(["/usr/bin/env", "ip", *arguments], check=True)


def missing() -> str:
    """What this machine lacks to run containers, in words; empty when it can. Installs iproute2 where that works."""
    if os.geteuid() != 0:
        return "containers are namespaces here, and only root may make them: run as root"
    if not shutil.which("ip"):
        debian.install("iproute2")
    lacking = [name for name in ("ip", "unshare", "nsenter", "setpriv", "mount") if not shutil.which(name)]
    return f"{', '.join(lacking)}: not found; apt install iproute2 util-linux mount" if lacking else ""

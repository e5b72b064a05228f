"""Pods of rendered manifests, started by `engine` as a kubelet would start them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy.support.engine import Container, Image, Mount, Network
from deploy.support.manifests import Manifest, Pod, environment, files
from support.waiting import wait_until

PYTHON = "/opt/jobqueue/bin/python"
READY_SECONDS = 180.0


@dataclass
class Cluster:
    """Pods on a network; each under its manifest's name, or a replica's."""

    manifests: list[Manifest]
    network: Network
    scratch: Path
    images: Mapping[str, Image]
    running: dict[str, tuple[Pod, Container]] = field(default_factory=dict)

    def start(self, pod: Pod, name: str = "") -> Container:
        """Start a pod's container as a kubelet would."""
        name = name or pod.name
        image = self.images.get(pod.app, self.images["ours"])
        container = self.network.start(
            name,
            image,
            environment=environment(self.manifests, pod, pod_ip=self.network.addresses[name]),
            command=pod.container.get("args", ()),
            user=pod.spec["securityContext"]["runAsUser"],
            mounts=list(self._mounts(pod, name)),
        )
        self.running[name] = (pod, container)
        return container

    def wait_ready(self, name: str) -> None:
        """Until its readiness probe passes; a probe of a program that its stand-in lacks is the stand-in's."""
        pod, container = self.running[name]
        stand_in = self.images.get(pod.app)
        if stand_in is not None:
            check = stand_in.health or tuple(pod.container["readinessProbe"]["exec"]["command"])
            wait_until(lambda: container.run(*check).returncode == 0, within=READY_SECONDS)
            return
        for kind in ("startup", "liveness", "readiness"):
            probe = pod.container[f"{kind}Probe"]["httpGet"]
            url = f"http://{self.network.addresses[name]}:{pod.ports()[probe['port']]}{probe['path']}"
            wait_until(partial(self._answers, name, url), within=READY_SECONDS)

    def get(self, name: str, url: str) -> subprocess.CompletedProcess[str]:
        """GET from within a container."""
        return self.running[name][1].run(PYTHON, "-m", "service_kit.probe", url)

    def _answers(self, name: str, url: str) -> bool:
        return self.get(name, url).returncode == 0

    def _mounts(self, pod: Pod, name: str) -> Iterator[Mount]:
        folder = self.scratch / "pods" / name
        group = pod.spec["securityContext"]["fsGroup"]
        held = files(self.manifests, pod)
        empty = {volume["name"]: volume for volume in pod.spec.get("volumes", ()) if "emptyDir" in volume}
        for number, mount in enumerate(pod.container.get("volumeMounts", ())):
            path, source = mount["mountPath"], folder / str(number)
            if mount["name"] in empty:
                yield Mount(path, memory=f"mode=0770,gid={group}")
            elif path in held:
                write(source, held[path], group)
                yield Mount(path, str(source), read_only=True)
            elif inside := {p: text for p, text in held.items() if p.startswith(f"{path}/")}:
                for file, text in inside.items():
                    write(source / file.removeprefix(f"{path}/"), text, group)
                yield Mount(path, str(source), read_only=True)
            else:  # a claim
                source.mkdir(parents=True)
                source.chmod(0o2770)
                os.chown(source, 0, group)
                yield Mount(path, str(source))


def write(path: Path, text: str, group: int) -> None:
    """A file as a mounted secret: for its group only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o440)
    os.chown(path, 0, group)

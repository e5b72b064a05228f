"""Rendered manifests, and the questions that the tests ask of them."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from deploy.support.engine import CHECKOUT
from kubernetes.make_secrets import make_secrets

KUBERNETES = CHECKOUT / "deploy/kubernetes"
KUBECTL = Path(sys.executable).with_name("kubectl")
Manifest = dict[str, Any]
HOLDERS = ("Deployment", "StatefulSet", "Job")
TO_SINK = {"smtp-url": "smtp://sink:1025", "sms-url": "http://sink:8025/sms", "push-url": "http://sink:8025/push"}
COMPONENTS = (
    "external-secrets",
    "hpa",
    "ingress",
    "keda",
    "network-policy",
    "prometheus-operator",
    "store-exporter",
    "stores",
    "tracing",
)


class Kustomize:
    """A copy of deploy/kubernetes with secrets in it, to render overlays and whatever else a test makes up."""

    def __init__(self, scratch: Path) -> None:
        self.folder = scratch / "kubernetes"
        left_out = shutil.ignore_patterns("secrets", "*.py", "__pycache__")
        shutil.copytree(KUBERNETES, self.folder, ignore=left_out)
        secrets = self.folder / "overlays/dev/secrets"
        make_secrets(secrets)
        for name, url in TO_SINK.items():
            (secrets / name).write_text(url)

    def render(self, overlay: str) -> list[Manifest]:
        """The manifests of an overlay. Raises AssertionError with kustomize's complaint."""
        command = [str(KUBECTL), "kustomize", str(self.folder / "overlays" / overlay)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr  # a deprecation, say
        return [found for found in yaml.safe_load_all(done.stdout) if found]

    def with_components(self, below: str, *components: str) -> list[Manifest]:
        """The base (`../base`) or an overlay (`dev`) with these components on top."""
        return self.with_parts(below, {"components": [f"../../components/{component}" for component in components]})

    def with_parts(self, below: str, parts: Mapping[str, Any]) -> list[Manifest]:
        """The same with whatever a kustomization may say."""
        folder = Path(mkdtemp(dir=self.folder / "overlays"))
        kustomization = {"namespace": "jobqueue", "resources": [f"../{below}"], **parts}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return self.render(folder.name)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as the manifest that holds it describes it."""

    kind: str
    name: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]

    @property
    def app(self) -> str:
        """Which of the programs it runs."""
        return self.labels["app.kubernetes.io/name"]

    @property
    def container(self) -> Mapping[str, Any]:
        """Its one container."""
        (found,) = self.spec["containers"]
        return dict(found)

    def ports(self) -> dict[str, int]:
        """Its container's ports by name."""
        return {port["name"]: port["containerPort"] for port in self.container.get("ports", ())}

    def is_ours(self) -> bool:
        """It runs our image."""
        return "jobqueue" in self.container["image"].rpartition("/")[2]


def pods(manifests: list[Manifest]) -> list[Pod]:
    """Of everything that holds one."""
    return [
        Pod(
            found["kind"],
            found["metadata"]["name"],
            found["spec"]["template"]["metadata"]["labels"],
            found["spec"]["template"]["spec"],
        )
        for found in manifests
        if found["kind"] in HOLDERS
    ]


def of(manifests: list[Manifest], *kinds: str) -> Iterator[Manifest]:
    """Those of some kinds."""
    return (found for found in manifests if found["kind"] in kinds)


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one of a kind and name; raises AssertionError."""
    found = [one for one in of(manifests, kind) if one["metadata"]["name"] == name]
    assert found, f"there is no {kind} {name}"
    return found[0]


def content(manifests: list[Manifest], kind: str, name: str) -> dict[str, str]:
    """What a ConfigMap or Secret holds by key; of one that an ExternalSecret makes, the keys with a sample."""
    for one in of(manifests, kind):
        if one["metadata"]["name"] == name:
            data: dict[str, str] = one.get("data") or {}
            return {k: base64.b64decode(v).decode() if kind == "Secret" else v for k, v in data.items()}
    for one in of(manifests, "ExternalSecret"):
        if kind == "Secret" and one["spec"]["target"]["name"] == name:
            return {entry["secretKey"]: "fetched" for entry in one["spec"]["data"]}
    raise AssertionError(f"there is no {kind} {name}")


def files(manifests: list[Manifest], pod: Pod) -> dict[str, str]:
    """Every file that ConfigMaps and Secrets put into a pod, by its path; AssertionError for what is not there."""
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", ())}
    found = {}
    for mount in pod.container.get("volumeMounts", ()):
        volume = volumes.get(mount["name"], {})
        if "secret" in volume:
            kind, name, source = "Secret", volume["secret"]["secretName"], volume["secret"]
        elif "configMap" in volume:
            kind, name, source = "ConfigMap", volume["configMap"]["name"], volume["configMap"]
        else:
            continue
        held = content(manifests, kind, name)
        if "items" in source:
            held = {item["path"]: held[item["key"]] for item in source["items"]}
        if "subPath" in mount:
            found[mount["mountPath"]] = held[mount["subPath"]]
        else:
            found.update({f"{mount['mountPath']}/{key}": text for key, text in held.items()})
    return found


def environment(manifests: list[Manifest], pod: Pod, *, pod_ip: str = "10.0.0.1") -> dict[str, str]:
    """What a container's program finds in its environment, its image's own aside."""
    found: dict[str, str] = {}
    for source in pod.container.get("envFrom", ()):
        found.update(content(manifests, "ConfigMap", source["configMapRef"]["name"]))
    for entry in pod.container.get("env", ()):
        if "value" in entry:
            found[entry["name"]] = entry["value"]
        else:
            assert entry["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}, entry
            found[entry["name"]] = pod_ip
    return found


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels; an empty one takes all."""
    if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    for rule in selector.get("matchExpressions", ()):
        assert rule["operator"] == "In", rule
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True

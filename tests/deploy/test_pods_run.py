"""The dev overlay's pods as real processes, with exactly what the manifests give them, until a job has gone through."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from deploy.conftest import StartNetwork
from deploy.support.cluster import PYTHON, Cluster
from deploy.support.engine import CHECKOUT, Container, Image, Mount, status_of
from deploy.support.manifests import Manifest, Pod, files, pods

REPLICAS = {"queue-admin": ("queue-admin-a", "queue-admin-b")}
BALANCED = "queue-admin.jobqueue.svc.cluster.local"
PLATFORM = [CHECKOUT / "deploy/local/platform" / name for name in ("schema.sql", "demo_data.sql")]
JOB_SECONDS = 180
SMOKE_SECONDS = 300


@pytest.fixture(scope="module")
def cluster(
    overlays: dict[str, list[Manifest]],
    image: Image,
    server_images: dict[str, Image],
    start_network: StartNetwork,
) -> Cluster:
    """Stores with the platform's tables, the Jobs done, every Deployment's pods ready."""
    manifests = overlays["dev"]
    names = [name for pod in pods(manifests) for name in REPLICAS.get(pod.name, (pod.name,))]
    network = start_network([*names, "sink", "smoke"], {**REPLICAS, BALANCED: REPLICAS["queue-admin"]})
    cluster = Cluster(manifests, network, network.scratch, {**server_images, "ours": image})
    start_stores(cluster)
    for job in (pod for pod in pods(manifests) if pod.kind == "Job"):
        cluster.start(job).wait(JOB_SECONDS)
    start_sink(cluster, image)
    for pod in pods(manifests):
        if pod.kind == "Deployment":
            for name in REPLICAS.get(pod.name, (pod.name,)):
                cluster.start(pod, name)
    for name, _, _ in served(cluster):
        cluster.wait_ready(name)
    return cluster


def served(cluster: Cluster) -> Iterator[tuple[str, Pod, Container]]:
    """The running pods of Deployments."""
    for name, (pod, container) in cluster.running.items():
        if pod.kind == "Deployment":
            yield name, pod, container


def test_a_job_goes_through_the_pods(cluster: Cluster, image: Image) -> None:
    _, gateway = cluster.running["api-gateway"]
    arguments = ("token", "--subject", "smoke", "--role", "OPS", "--days", "1")
    signed = gateway.run(PYTHON, "-m", "api_gateway", *arguments)
    assert signed.returncode == 0, signed.stderr
    token = cluster.scratch / "smoke.token"
    token.write_text(signed.stdout)

    smoke = cluster.network.start(
        "smoke",
        image,
        entrypoint=[PYTHON, "/smoke.py"],
        command=["--gateway", "http://api-gateway:4000", "--sink", "http://sink:8025", "--token-file", "/token"],
        mounts=[
            Mount("/smoke.py", str(CHECKOUT / "deploy/docker/smoke.py"), read_only=True),
            Mount("/token", str(token), read_only=True),
        ],
    )

    smoke.wait(SMOKE_SECONDS)


def test_pods_listen_on_the_ports_they_declare_and_on_no_other(cluster: Cluster) -> None:
    for name, pod, container in served(cluster):
        assert container.listening_ports() == set(pod.ports().values()), name


def test_what_pods_request_holds_what_they_need_when_idle(cluster: Cluster) -> None:
    for name, pod, container in served(cluster):
        resident = int(status_of(container.pid)["VmRSS"].split()[0]) / 1024
        requested = float(pod.container["resources"]["requests"]["memory"].removesuffix("Mi"))
        print(f"{name}: {resident:.0f} MiB of {requested:.0f}")
        assert resident < requested, f"{name} needs {resident:.0f} MiB"


@pytest.mark.parametrize("queue", ["tickets", "notifications"])
def test_the_address_that_the_autoscaler_asks_is_answered(cluster: Cluster, queue: str) -> None:
    answer = json.loads(cluster.get("api-gateway", f"http://{BALANCED}:9090/scaling/{queue}").stdout)

    assert {"load", "oldestRunnableAgeSeconds"} <= set(answer)


def test_calls_are_spread_over_the_replicas_behind_a_headless_service(cluster: Cluster) -> None:
    for name in REPLICAS["queue-admin"]:
        url = f"http://{cluster.network.addresses[name]}:9090/metrics"
        read = f"import urllib.request; print(urllib.request.urlopen('{url}').read().decode())"
        metrics = cluster.running[name][1].run(PYTHON, "-c", read).stdout
        calls = [
            float(line.rpartition(" ")[2])
            for line in metrics.splitlines()
            if line.startswith("grpc_server_handling_seconds_count{") and 'method="RegisterWorker"' not in line
        ]
        assert sum(calls) > 0, f"{name}: {metrics}"


def test_every_pod_ends_by_itself_before_it_would_be_killed(cluster: Cluster) -> None:
    for _, pod, container in list(served(cluster)):
        waited = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        container.stop(within=pod.spec["terminationGracePeriodSeconds"] - waited)


def start_stores(cluster: Cluster) -> None:
    """Both stores, and the platform's tables as the documentation says to put them there."""
    stores = [pod for pod in pods(cluster.manifests) if pod.kind == "StatefulSet"]
    for pod in stores:
        cluster.start(pod)
    for pod in stores:
        cluster.wait_ready(pod.name)
    pod, container = cluster.running["postgres"]
    password = files(cluster.manifests, pod)["/etc/postgres/password/password"]
    psql = ("psql", "--host=127.0.0.1", "--username=jobqueue", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
    tables = "".join(path.read_text() for path in PLATFORM)
    done = container.run("env", f"PGPASSWORD={password}", *psql, given=tables)
    assert done.returncode == 0, done.stderr


def start_sink(cluster: Cluster, image: Image) -> None:
    """The mailbox, where the delivery settings lead."""
    cluster.network.start(
        "sink",
        image,
        environment={"PYTHONPATH": "/opt/stack"},
        command=["local.sink", "--host", "0.0.0.0"],  # noqa: S104 - of a network of its own
        mounts=[Mount("/opt/stack/local", str(CHECKOUT / "deploy/local"), read_only=True)],
    )

"""What every pod must keep to: Pod Security "restricted", and what a night on call has taught."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.conftest import OVERLAYS
from deploy.support.manifests import Manifest, Pod, environment, matches, named, of, pods
from deploy.test_dockerfile import PINNED
from service_kit.grpc_server import CONNECTION_AGE_GRACE_MS, CONNECTION_AGE_MS
from worker import registration
from worker.service import GRACE_SECONDS, STOP_SECONDS

SPARE_SECONDS = 10.0
STORES = {"valkey", "postgres"}


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, overlays: dict[str, list[Manifest]]) -> list[Manifest]:
    return overlays[request.param]


def served(manifests: list[Manifest]) -> list[Pod]:
    """Pods of ours that are meant to stay."""
    return [pod for pod in pods(manifests) if pod.kind == "Deployment" and pod.is_ours()]


def deployments(manifests: list[Manifest]) -> list[Manifest]:
    """Those of `served`."""
    return [named(manifests, "Deployment", pod.name) for pod in served(manifests)]


def test_the_namespace_enforces_restricted_pods(manifests: list[Manifest]) -> None:
    labels = named(manifests, "Namespace", "jobqueue")["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_pod_is_restricted(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        context, own = pod.spec["securityContext"], pod.container["securityContext"]
        assert context["runAsNonRoot"] is True, pod.name
        assert context["runAsUser"] > 0, pod.name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, pod.name
        assert own["allowPrivilegeEscalation"] is False, pod.name
        assert own["capabilities"] == {"drop": ["ALL"]}, pod.name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec), pod.name
        kinds = {kind for volume in pod.spec.get("volumes", ()) for kind in volume if kind != "name"}
        assert kinds <= {"secret", "configMap", "emptyDir"}, pod.name


def test_no_pod_can_write_to_its_root_or_talk_to_the_api(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        assert pod.container["securityContext"]["readOnlyRootFilesystem"] is True, pod.name
        assert pod.spec["automountServiceAccountToken"] is False, pod.name


def test_no_service_can_put_its_address_into_our_settings(manifests: list[Manifest]) -> None:
    # A Service named audit would set AUDIT_PORT=tcp://10.0.0.1:50052 in every pod of the namespace.
    assert [pod.name for pod in pods(manifests) if pod.spec["enableServiceLinks"] is not False] == []


def test_every_image_is_pinned(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        image = pod.container["image"]
        assert PINNED.fullmatch(image.rpartition("/")[2]), image
        assert not image.endswith(":latest")


def test_memory_is_bounded_and_requests_are_said(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        resources = pod.container["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}, pod.name
        assert "memory" in resources["limits"], pod.name
        assert "cpu" not in resources["limits"], pod.name
        if pod.app in STORES:
            assert resources["limits"]["memory"] == resources["requests"]["memory"]


def test_every_service_has_all_probes_and_liveness_looks_at_itself_only(manifests: list[Manifest]) -> None:
    for pod in served(manifests):
        probes = {kind: pod.container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")}
        assert {kind: probe["httpGet"]["path"] for kind, probe in probes.items()} == {
            "startup": "/livez",
            "liveness": "/livez",
            "readiness": "/readyz",
        }, pod.name
        assert {probe["httpGet"]["port"] for probe in probes.values()} == {"metrics"}, pod.name
        assert probes["startup"]["periodSeconds"] * probes["startup"]["failureThreshold"] >= 60


def needed_seconds(manifests: list[Manifest], pod: Pod) -> float:
    """What a pod's program may take to end by itself, by its own settings and constants."""
    given = environment(manifests, pod)
    match pod.app:
        case "api-gateway":
            return float(given["GATEWAY_DRAIN_SECONDS"])
        case "queue-admin":
            return float(given["QUEUE_ADMIN_GRACE_SECONDS"]) + SPARE_SECONDS  # its loops finish their pass
        case "audit":
            return float(given["AUDIT_GRACE_SECONDS"])
        case _:
            goodbyes = STOP_SECONDS + registration.DEADLINE_SECONDS + GRACE_SECONDS
            return float(given["WORKER_DRAIN_SECONDS"]) + goodbyes


def test_every_service_has_the_time_to_end_before_it_is_killed(manifests: list[Manifest]) -> None:
    for pod in served(manifests):
        before = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        needed = before + needed_seconds(manifests, pod) + SPARE_SECONDS
        assert pod.spec["terminationGracePeriodSeconds"] >= needed, pod.name


def test_who_is_called_answers_until_it_has_left_every_balancer(manifests: list[Manifest]) -> None:
    called = {pod.name for pod in served(manifests) if pod.app != "worker"}

    waiting = {pod.name for pod in served(manifests) if "preStop" in pod.container.get("lifecycle", {})}
    assert waiting == called


def test_connections_end_within_a_servers_grace_and_often_enough_to_find_new_replicas(
    manifests: list[Manifest],
) -> None:
    assert 60_000 <= CONNECTION_AGE_MS <= 120_000
    for pod in served(manifests):
        given = environment(manifests, pod)
        for grace in (float(value) for name, value in given.items() if name.endswith("_GRACE_SECONDS")):
            assert grace * 1_000 >= CONNECTION_AGE_GRACE_MS, pod.name


def test_every_service_survives_the_drain_of_a_node(manifests: list[Manifest]) -> None:
    scaled = {one["spec"]["scaleTargetRef"]["name"]: one["spec"] for one in of(manifests, "ScaledObject")}
    budgets = list(of(manifests, "PodDisruptionBudget"))
    for deployment in deployments(manifests):
        name, labels = deployment["metadata"]["name"], deployment["spec"]["template"]["metadata"]["labels"]
        (budget,) = (one["spec"] for one in budgets if matches(one["spec"]["selector"], labels))
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow", name
        assert "minAvailable" not in budget, name  # equal to the replicas, it would block every drain
        assert budget["maxUnavailable"] in {1, "25%"}, name
        assert ("replicas" in deployment["spec"]) != (name in scaled), name
        assert scaled.get(name, {"minReplicaCount": 2})["minReplicaCount"] >= 2


def test_production_has_no_service_with_a_single_replica(overlays: dict[str, list[Manifest]]) -> None:
    few = [one["metadata"]["name"] for one in deployments(overlays["prod"]) if one["spec"].get("replicas", 2) < 2]

    assert few == []


def test_replicas_spread_over_nodes_and_zones_without_blocking_each_other(manifests: list[Manifest]) -> None:
    for pod in served(manifests):
        spread = pod.spec["topologySpreadConstraints"]
        assert {one["topologyKey"] for one in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        for one in spread:
            assert one["whenUnsatisfiable"] == "ScheduleAnyway"
            assert one["matchLabelKeys"] == ["pod-template-hash"]
            assert matches(one["labelSelector"], pod.labels)


def test_a_rollout_never_takes_a_pod_away_before_its_successor_is_ready(manifests: list[Manifest]) -> None:
    for deployment in of(manifests, "Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_secrets_are_readable_for_the_pods_group_only(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        secrets: list[dict[str, Any]] = [v["secret"] for v in pod.spec.get("volumes", ()) if "secret" in v]
        assert secrets or pod.app in STORES, pod.name
        for secret in secrets:
            assert secret["defaultMode"] == 0o440, pod.name
        assert pod.spec["securityContext"]["fsGroup"] == pod.spec["securityContext"]["runAsGroup"]
        assert not [e["name"] for e in pod.container.get("env", ()) if "secretKeyRef" in e.get("valueFrom", {})]


def test_jobs_end_and_go(manifests: list[Manifest]) -> None:
    for job in of(manifests, "Job"):
        assert job["spec"]["backoffLimit"] > 0
        assert job["spec"]["activeDeadlineSeconds"] <= 3_600
        assert job["spec"]["ttlSecondsAfterFinished"] > 0
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"

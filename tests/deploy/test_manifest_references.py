"""Everything that a manifest names is there, and is what the program behind it reads, listens on and answers."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from deploy.conftest import OVERLAYS
from deploy.support import environment as settings
from deploy.support.dockerfile import parse
from deploy.support.image import DOCKERFILE
from deploy.support.manifests import KUBERNETES, Manifest, content, environment, files, matches, named, of, pods
from local.valkey import CONFIGURATION
from service_kit import VERSION

IMAGE_ENVIRONMENT = parse(DOCKERFILE)[-1].environment()
TARGETS = {"HorizontalPodAutoscaler", "ScaledObject"}
SCRAPED = {"jobqueue": {"api-gateway", "queue-admin", "audit", "worker"}, "store": {"store-exporter"}}


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, overlays: dict[str, list[Manifest]]) -> list[Manifest]:
    return overlays[request.param]


def test_everything_is_in_the_namespace(manifests: list[Manifest]) -> None:
    outside = [one["metadata"]["name"] for one in manifests if one["metadata"].get("namespace") != "jobqueue"]

    assert outside == ["jobqueue"]  # the namespace itself


def test_every_program_gets_settings_that_it_knows_and_all_that_it_needs(manifests: list[Manifest]) -> None:
    ours = [pod for pod in pods(manifests) if pod.is_ours()]
    for pod in ours:
        command = tuple(pod.container["args"])
        assert settings.problems(command, environment(manifests, pod), IMAGE_ENVIRONMENT) == [], pod.name
    assert len(ours) == 7


def test_every_file_that_a_setting_names_is_mounted(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        mounted = set(files(manifests, pod))
        for name, value in environment(manifests, pod).items():
            if name.endswith("_FILE") or name == "AUTH_JWKS":
                assert value in mounted, f"{pod.name}: {name}={value}"


def test_every_file_that_is_mounted_is_named_by_a_setting(manifests: list[Manifest]) -> None:
    for pod in (pod for pod in pods(manifests) if pod.is_ours()):
        unused = set(files(manifests, pod)) - set(environment(manifests, pod).values())
        folders = {str(PurePosixPath(path).parent) for path in unused}
        assert folders <= {"/etc/jobqueue/store"}, pod.name  # in dev the store's Secret also has its server's password


def test_every_secret_and_every_configuration_is_used(manifests: list[Manifest]) -> None:
    used = {
        volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name")
        for pod in pods(manifests)
        for volume in pod.spec.get("volumes", ())
    }
    used |= {source["configMapRef"]["name"] for pod in pods(manifests) for source in pod.container.get("envFrom", ())}

    for_grafana = "grafana_dashboard"  # a label by which Grafana's own sidecar finds it
    configurations = of(manifests, "Secret", "ConfigMap", "ExternalSecret")
    there = {one["metadata"]["name"] for one in configurations if for_grafana not in one["metadata"].get("labels", {})}
    assert there == {name for name in used if name}


def test_a_changed_configuration_has_another_name_and_so_restarts_its_pods(manifests: list[Manifest]) -> None:
    for one in of(manifests, "ConfigMap", "Secret"):
        _, _, suffix = one["metadata"]["name"].rpartition("-")
        assert len(suffix) == 10, one["metadata"]["name"]


def test_the_signing_key_is_the_gateways_alone(manifests: list[Manifest]) -> None:
    seen_by = {pod.app for pod in pods(manifests) if any("signing-key" in path for path in files(manifests, pod))}

    assert seen_by == {"api-gateway"}


def test_every_service_leads_to_a_port_of_its_pods(manifests: list[Manifest]) -> None:
    for service in of(manifests, "Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        behind = [pod for pod in pods(manifests) if matches({"matchLabels": spec["selector"]}, pod.labels)]
        assert behind, name
        for port in spec["ports"]:
            targets = {pod.ports()[port["targetPort"]] for pod in behind}
            assert len(targets) == 1
            if spec.get("clusterIP") == "None":  # clients resolve pods: nothing translates the port for them
                assert targets == {port["port"]}, name


def test_grpc_clients_balance_over_the_pods_of_headless_services(manifests: list[Manifest]) -> None:
    found = 0
    for pod in (pod for pod in pods(manifests) if pod.is_ours()):
        for name, value in environment(manifests, pod).items():
            if name.endswith("_ADDRESS"):
                address = urlsplit(value)
                assert address.scheme == "dns", name
                host, _, port = address.path.removeprefix("/").partition(":")
                spec = named(manifests, "Service", host)["spec"]
                assert spec["clusterIP"] == "None", name
                assert int(port) in {one["port"] for one in spec["ports"]}, name
                found += 1
    assert found >= 5


def test_every_port_that_is_probed_or_scraped_is_declared(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        for kind in ("startup", "liveness", "readiness"):
            probe = pod.container.get(f"{kind}Probe", {})
            assert "httpGet" not in probe or probe["httpGet"]["port"] in pod.ports(), pod.name
    for monitor in of(manifests, "PodMonitor"):
        scraped = [pod for pod in pods(manifests) if matches(monitor["spec"]["selector"], pod.labels)]
        assert {pod.app for pod in scraped} == SCRAPED[monitor["metadata"]["name"]]
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            assert all(endpoint["port"] in pod.ports() for pod in scraped)


def test_every_autoscaler_has_a_target_and_asks_a_service_that_is_there(manifests: list[Manifest]) -> None:
    for one in of(manifests, *TARGETS):
        name = one["spec"]["scaleTargetRef"]["name"]
        target = named(manifests, "Deployment", name)
        queue = target["spec"]["template"]["metadata"]["labels"]["jobqueue/queue"]
        for trigger in one["spec"].get("triggers", ()):
            url = urlsplit(trigger["metadata"]["url"])
            service, namespace, *rest = str(url.hostname).split(".")
            assert (namespace, rest) == ("jobqueue", ["svc", "cluster", "local"])
            assert url.port in {port["port"] for port in named(manifests, "Service", service)["spec"]["ports"]}
            assert url.path == f"/scaling/{queue}"


def test_nothing_is_scaled_by_two(manifests: list[Manifest]) -> None:
    scaled = [one["spec"]["scaleTargetRef"]["name"] for one in of(manifests, *TARGETS)]

    assert len(scaled) == len(set(scaled))


def test_each_queue_has_a_deployment_of_its_own(manifests: list[Manifest]) -> None:
    workers = [pod for pod in pods(manifests) if pod.app == "worker"]

    queues = {pod.name: environment(manifests, pod)["WORKER_QUEUES"] for pod in workers}
    assert queues == {f"worker-{queue}": queue for queue in ("tickets", "notifications")}
    assert all(pod.labels["jobqueue/queue"] == queues[pod.name] for pod in workers)


def test_selectors_of_two_deployments_never_take_the_same_pod(manifests: list[Manifest]) -> None:
    for one in of(manifests, "Deployment", "StatefulSet"):
        taken = [pod.name for pod in pods(manifests) if matches(one["spec"]["selector"], pod.labels)]
        assert taken == [one["metadata"]["name"]]


def test_a_release_has_jobs_of_its_own_name(manifests: list[Manifest]) -> None:
    release = VERSION.replace(".", "-")

    names = {one["metadata"]["name"] for one in of(manifests, "Job")}
    assert names == {f"audit-migrate-{release}", f"store-prepare-{release}"}, "set nameSuffix in base/migrations"
    tags = {pod.container["image"].rpartition(":")[2] for pod in pods(manifests) if pod.is_ours()}
    assert tags == {VERSION}, "set newTag in the overlays"


def test_the_ingress_leads_to_the_gateway_by_tls(overlays: dict[str, list[Manifest]]) -> None:
    (ingress,) = of(overlays["prod"], "Ingress")
    hosts = {rule["host"] for rule in ingress["spec"]["rules"]}

    assert {host for entry in ingress["spec"]["tls"] for host in entry["hosts"]} == hosts
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            ports = named(overlays["prod"], "Service", backend["name"])["spec"]["ports"]
            assert backend["port"]["name"] in {port["name"] for port in ports}


def test_production_brings_no_secret_and_no_store_along(overlays: dict[str, list[Manifest]]) -> None:
    assert [one["metadata"]["name"] for one in of(overlays["prod"], "Secret", "StatefulSet")] == []


def test_the_store_inside_the_cluster_is_set_as_in_the_local_stack(overlays: dict[str, list[Manifest]]) -> None:
    (pod,) = (pod for pod in pods(overlays["dev"]) if pod.app == "valkey")
    shipped = files(overlays["dev"], pod)["/etc/valkey/valkey.conf"]

    for line in CONFIGURATION.splitlines():
        if line and not line.startswith(("#", "{")) and "{" not in line:
            assert line in shipped.splitlines()
    assert "include /etc/valkey/password/valkey-password.conf" in shipped
    assert "maxmemory 768mb" in shipped  # three quarters of its pod
    assert pod.container["resources"]["limits"]["memory"] == "1Gi"


def test_no_manifest_is_left_out_of_its_kustomization() -> None:
    for kustomization in KUBERNETES.rglob("kustomization.yaml"):
        text = kustomization.read_text()
        for beside in kustomization.parent.glob("*.yaml"):
            assert beside == kustomization or beside.name in text, beside


def test_what_a_secret_of_the_dev_overlay_holds_is_what_production_fetches(overlays: dict[str, list[Manifest]]) -> None:
    in_dev = {
        one["metadata"]["name"].rpartition("-")[0]: set(content(overlays["dev"], "Secret", one["metadata"]["name"]))
        for one in of(overlays["dev"], "Secret")
    }
    fetched = {
        one["spec"]["target"]["name"]: {entry["secretKey"] for entry in one["spec"]["data"]}
        for one in of(overlays["prod"], "ExternalSecret")
    }

    assert fetched.pop("store-exporter") == {"redis-exporter.json"}  # dev has no Prometheus
    own = {"postgres": {"password"}, "store": {"valkey-password.conf"}}  # of the stores inside
    assert {name: keys - own.get(name, set()) for name, keys in in_dev.items()} == {"postgres": set(), **fetched}

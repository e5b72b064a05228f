"""The Grafana dashboard and the alerts ask for what the real services export."""

from __future__ import annotations

import json
import re
import urllib.request
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.support import compose
from deploy.support.engine import CHECKOUT
from deploy.support.manifests import Manifest, of
from fixtures.stack import RunningStack
from grafana.dashboard import DASHBOARD, IN_KUBERNETES, dashboard
from prometheus.manifest import RULES
from support.prometheus import promtool
from support.waiting import wait_until

PORTS = (
    "GATEWAY_METRICS_PORT",
    "QUEUE_ADMIN_METRICS_PORT",
    "AUDIT_METRICS_PORT",
    "WORKER_METRICS_PORT",
    "WORKER_METRICS_PORT + 1",
)
OURS = re.compile(r"\b((?:queue|worker|audit|http|grpc)_[a-z_]+)(?:\{([^}]*)\})?")
OF_PROMETHEUS = {"instance", "service", "job"}
ALLOWED = "queue_processing_duration_ms metric names should not contain abbreviated units"


def shown() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def expressions() -> list[str]:
    """Of the dashboard, its variables filled in, and of the alerts."""
    asked = [target["expr"] for panel in shown()["panels"] for target in panel["targets"]]
    filled = [expr.replace("$__rate_interval", "5m").replace("$queue", ".*") for expr in asked]
    return filled + [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def scrape(stack: RunningStack) -> list[str]:
    pages = []
    for name in PORTS:
        url = f"http://127.0.0.1:{stack.stack.ports[name]}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            pages.append(answer.read().decode())
    return pages


def series(pages: list[str]) -> dict[str, set[str]]:
    """The labels of each metric."""
    found: dict[str, set[str]] = defaultdict(set)
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                found[sample.name] |= set(sample.labels)
    return found


@pytest.fixture(scope="module")
def pages(stack: RunningStack) -> list[str]:
    """What all services say once a job has ended."""
    with stack.client() as client:
        ticket = {"ticketId": "m-1", "propertyId": "property-hill-1", "createdById": "user-tom"}
        body = {"name": "ticket.created", "data": {**ticket, "landlordId": "landlord-hillside"}}
        client.post("/jobs/queues/tickets", json=body).raise_for_status()
        client.get("/jobs/queues").raise_for_status()
    wait_until(lambda: "queue_processing_duration_ms" in series_names(scrape(stack)), within=30)
    return scrape(stack)


def series_names(pages: list[str]) -> str:
    return " ".join(name for name in series(pages) if name.endswith("_bucket"))


def test_every_metric_and_label_that_is_asked_for_is_exported(pages: list[str]) -> None:
    exported, asked = series(pages), 0
    for expr in expressions():
        names = set()
        for name, matchers in OURS.findall(expr):
            assert name in exported, f"{name} in {expr}"
            labels = set(re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers))
            assert labels <= exported[name] | OF_PROMETHEUS, f"{labels} of {name}"
            names.add(name)
            asked += 1
        grouped = {label for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expr) for label in group.split(", ")} - {
            ""
        }
        if names:
            assert grouped <= set().union(*(exported[name] for name in names)) | OF_PROMETHEUS, expr
    assert asked > 40


def test_promtool_finds_one_thing_to_say_of_our_metrics_which_is_the_name_that_was_wanted(pages: list[str]) -> None:
    said = {line for page in pages for line in promtool("check", "metrics", given=page)[1].splitlines()}

    assert said == {ALLOWED}


def test_the_reference_describes_every_metric_that_is_exported(pages: list[str]) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| \w+ \| ([^|]*) \|", (CHECKOUT / "docs/observability.md").read_text(), re.MULTILINE
    )
    described = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}

    exported: dict[str, set[str]] = defaultdict(set)
    for page in pages:
        for family in text_string_to_metric_families(page):
            if not family.name.endswith("_created"):
                labels = set().union(*(sample.labels for sample in family.samples)) - {"le"}
                exported[family.name + "_total" * (family.type == "counter")] |= labels
    assert described == exported


def test_no_metric_has_a_label_for_jobs_or_their_data(pages: list[str]) -> None:
    labels = set().union(*series(pages).values())

    assert not labels & {"job_id", "id", "request_id", "payload", "error", "exception"}


def test_the_histogram_in_milliseconds_has_buckets_for_milliseconds(pages: list[str]) -> None:
    bounds = re.findall(r'queue_processing_duration_ms_bucket\{le="([^"]+)"', "\n".join(pages))

    assert {"5.0", "1000.0", "900000.0", "+Inf"} <= set(bounds)


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(expressions())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    status, said = promtool("check", "rules", path)

    assert status == 0, said


def test_the_dashboard_is_whole() -> None:
    found = shown()
    panels = found["panels"]
    boxes = [(p["gridPos"]["x"], p["gridPos"]["y"], p["gridPos"]["w"], p["gridPos"]["h"]) for p in panels]

    assert (found["uid"], found["schemaVersion"]) == ("jobqueue", 39)
    assert len({panel["id"] for panel in panels}) == len(panels) > 15
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels)
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {"${source}"}
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    assert max(x + w for x, _, w, _ in boxes) <= 24


def test_the_dashboard_is_where_both_grafanas_look(overlays: dict[str, list[Manifest]]) -> None:
    assert DASHBOARD.read_text() == IN_KUBERNETES.read_text() == dashboard(), "run: make manifests"

    volumes = compose.read("compose.yaml")["services"]["grafana"]["volumes"]
    mounted = {volume["target"]: Path(volume["source"]).resolve() for volume in volumes if volume["type"] == "bind"}
    (provider,) = yaml.safe_load((compose.FOLDER / "grafana-dashboards.yaml").read_text())["providers"]
    assert mounted[f"{provider['options']['path']}/jobqueue.json"] == DASHBOARD
    in_maps = [
        one for one in of(overlays["prod"], "ConfigMap") if one["metadata"].get("labels", {}).get("grafana_dashboard")
    ]
    assert [one["data"]["jobqueue.json"] for one in in_maps] == [DASHBOARD.read_text()]

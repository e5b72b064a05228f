"""The alerts, as promtool judges them, and that each of them is proved and explained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.support import compose
from deploy.support.engine import CHECKOUT
from deploy.support.manifests import Manifest, named
from prometheus.manifest import MANIFEST, RULES, manifest
from support.prometheus import promtool

PROOFS = [RULES.with_name("rules_test.yml"), RULES.with_name("rules_hours_test.yml")]
RUNBOOKS = CHECKOUT / "docs/runbooks.md"


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def proved(*, fires: bool) -> set[tuple[str, str]]:
    """Name and window (of those that have one) of the alerts that a proof expects to fire, or not to."""
    tests = [test for path in PROOFS for test in yaml.safe_load(path.read_text())["tests"]]
    expected = [one for test in tests for one in test["promql_expr_test"]]
    found = set()
    for one in expected:
        if bool(one["exp_samples"]) == fires:
            name = re.search(r'alertname="(\w+)"', one["expr"])
            window = re.search(r'window="(\w+)"', one["expr"])
            assert name, one["expr"]
            found.add((name[1], window[1] if window else ""))
    return found


def test_promtool_takes_the_rules() -> None:
    status, said = promtool("check", "rules", RULES)

    assert status == 0, said
    assert "SUCCESS" in said


def test_the_alerts_fire_when_they_shall_and_at_no_other_time() -> None:
    status, said = promtool("test", "rules", *PROOFS)

    assert status == 0, said
    assert "SUCCESS" in said


def test_a_proof_that_does_not_hold_would_be_found(tmp_path: Path) -> None:
    (tmp_path / RULES.name).write_text(RULES.read_text().replace("queue_store_up) == 0", "queue_store_up) == 2"))
    (tmp_path / PROOFS[0].name).write_text(PROOFS[0].read_text())

    status, said = promtool("test", "rules", tmp_path / PROOFS[0].name)

    assert status == 1
    assert "QueueStoreDown" in said


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "does not fire"])
def test_every_alert_has_a_proof_that_it(fires: bool) -> None:  # noqa: FBT001 - a parameter
    everyone = {(rule["alert"], rule["labels"].get("window", "")) for rule in alerts()}

    assert proved(fires=fires) == everyone


def test_every_alert_says_how_urgent_it_is_and_where_to_read_on() -> None:
    headings = re.findall(r"^## (\w+)$", RUNBOOKS.read_text(), re.MULTILINE)
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert set(rule["annotations"]) == {"summary", "runbook_url", "dashboard_url"}, rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"

    assert headings == list(dict.fromkeys(rule["alert"] for rule in alerts()))


def test_every_runbook_says_what_it_means_how_to_see_it_what_to_do_and_when_to_call_somebody() -> None:
    for page in RUNBOOKS.read_text().split("\n## ")[1:]:
        for part in ("**Means**", "**See**", "**Do**", "**Escalate**"):
            assert part in page, page.partition("\n")[0]


def test_the_operators_manifest_is_made_of_the_rules(overlays: dict[str, list[Manifest]]) -> None:
    assert MANIFEST.read_text() == manifest(), "run: make manifests"
    assert named(overlays["prod"], "PrometheusRule", "jobqueue")["spec"] == yaml.safe_load(RULES.read_text())


def test_prometheus_of_the_compose_stack_reads_the_rules() -> None:
    volumes = compose.read("compose.yaml")["services"]["prometheus"]["volumes"]
    config = yaml.safe_load((compose.FOLDER / "prometheus.yml").read_text())

    mounted = {volume["target"]: Path(volume["source"]) for volume in volumes if volume["type"] == "bind"}
    assert [mounted[path].resolve() for path in config["rule_files"]] == [RULES]
    assert promtool("check", "config", "--syntax-only", compose.FOLDER / "prometheus.yml")[0] == 0

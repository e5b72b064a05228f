"""Every overlay and every component renders, and is what the versions of Kubernetes in use understand."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
from kubernetes_validate import utils

from deploy.conftest import OVERLAYS
from deploy.support.engine import CHECKOUT
from deploy.support.manifests import COMPONENTS, Kustomize, Manifest

VERSIONS = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
SCHEMAS = Path(__file__).with_name("schemas")
OWN = {path.stem for path in SCHEMAS.glob("*.json")}
"""Kinds of operators, whose definitions no version of Kubernetes has."""


@pytest.fixture(autouse=True)
def read_schemas_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utils, "schema_contents", _SCHEMA_CONTENTS)


_SCHEMA_CONTENTS = cache(utils.schema_contents)


def check(manifests: list[Manifest], version: str) -> None:
    for found in manifests:
        if found["kind"] in OWN:
            schema = json.loads((SCHEMAS / f"{found['kind']}.json").read_text())
            jsonschema.Draft202012Validator(schema).validate(found)
        else:
            kubernetes_validate.validate(found, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_valid(overlays: dict[str, list[Manifest]], overlay: str, version: str) -> None:
    assert len(overlays[overlay]) > 30

    check(overlays[overlay], version)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_is_valid_by_itself(kustomize: Kustomize, component: str) -> None:
    check(kustomize.with_components("../base", component), VERSIONS[0])


def test_a_misspelt_field_would_be_found(overlays: dict[str, list[Manifest]]) -> None:
    deployment = next(one for one in overlays["prod"] if one["kind"] == "Deployment")
    scaled = next(one for one in overlays["prod"] if one["kind"] == "ScaledObject")

    with pytest.raises(kubernetes_validate.ValidationError):
        check([{**deployment, "spec": {**deployment["spec"], "replica": 2}}], VERSIONS[-1])
    with pytest.raises(jsonschema.ValidationError):
        check([{**scaled, "spec": {**scaled["spec"], "maxReplicas": 2}}], VERSIONS[-1])


def test_the_files_are_plain_yaml() -> None:
    yamllint = Path(sys.executable).with_name("yamllint")
    config = Path(__file__).with_name("yamllint.yaml")

    done = subprocess.run(
        [yamllint, "--strict", "--config-file", config, CHECKOUT / "deploy"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")

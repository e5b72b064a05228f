"""The image's recipe, its locks and its context, as they are written; test_compose_runs.py builds and runs it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.support.dockerfile import parse
from deploy.support.engine import CHECKOUT
from deploy.support.environment import SETTINGS
from deploy.support.image import DOCKERFILE, ignored
from docker.runtime_requirements import runtime_requirements

LOCKS = ("deploy/docker/build.lock", "deploy/docker/runtime.lock", "tests/deploy/requirements.lock")
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?[\w.-]*(@sha256:[0-9a-f]{64})?")
HADOLINT = Path(sys.executable).with_name("hadolint")
STAGES = parse(DOCKERFILE)
IMAGE_PACKAGES = [
    word.removeprefix("./") for run in STAGES[0].of("RUN") for word in run.words() if word.startswith("./")
]


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (CHECKOUT / lock).read_text(), re.MULTILINE))


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([HADOLINT, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned_and_the_same_for_building_and_running() -> None:
    bases = {stage.base for stage in STAGES}

    assert len(bases) == 1
    assert PINNED.fullmatch(bases.pop())


def test_it_runs_as_a_user_without_rights_and_without_a_shell() -> None:
    last = STAGES[-1]

    assert [one.rest for one in last.of("USER")] == ["10001:10001"]
    assert last.of("ENTRYPOINT")[0].command() == ["/opt/jobqueue/bin/python", "-m", "service_kit.container"]
    assert last.of("CMD")[0].command() == ["api_gateway"]
    assert last.health_check()["command"][:3] == ["/opt/jobqueue/bin/python", "-m", "service_kit.probe"]
    assert not last.of("RUN")


def test_the_metrics_port_that_is_probed_is_the_one_of_every_service() -> None:
    environment, probed = STAGES[-1].environment(), STAGES[-1].health_check()["command"][-1]

    for model in SETTINGS.values():
        (field,) = (name for name in model.model_fields if name.endswith("_metrics_port"))
        assert f":{environment[field.upper()]}/" in probed
    assert int(environment["WORKER_METRICS_PORT"]) in {int(p) for p in STAGES[-1].of("EXPOSE")[0].words()}


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_installed_has_a_hash_and_the_version_that_was_tested(lock: str) -> None:
    text = (CHECKOUT / lock).read_text()
    tested = pins("requirements.lock")

    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    others = {name: version for name, version in pins(lock).items() if name in tested and tested[name] != version}
    assert not others, f"run make lock: {others}"


def test_every_install_from_outside_demands_hashes_and_wheels() -> None:
    runs = [run.rest for run in STAGES[0].of("RUN")]

    for install in (part for run in runs for part in run.split("&&") if " install " in part and "pip" in part):
        assert ("--require-hashes" in install and "--only-binary :all:" in install) or "--no-index" in install, install


def test_the_image_has_what_its_packages_declare() -> None:
    declared = runtime_requirements([CHECKOUT / package for package in IMAGE_PACKAGES])
    locked = {name.lower().replace("_", "-") for name in pins("deploy/docker/runtime.lock")}

    missing = {name for name in declared if re.split(r"[\[<>=~!; ]", name)[0].lower().replace("_", "-") not in locked}

    assert not missing, f"run make lock: {missing}"


def test_all_our_services_are_in_it() -> None:
    makefile = (CHECKOUT / "Makefile").read_text().replace("\\\n", " ")
    listed = re.search(r"^IMAGE_PACKAGES := (.*)$", makefile, re.MULTILINE)
    installed = {word for run in STAGES[0].of("RUN") for word in run.words() if word.startswith("jobqueue-")}

    assert listed is not None
    assert set(listed[1].split()) == set(IMAGE_PACKAGES)
    names = {tomllib.loads((CHECKOUT / p / "pyproject.toml").read_text())["project"]["name"] for p in IMAGE_PACKAGES}
    assert installed == names


def test_no_secret_and_no_state_gets_into_the_build() -> None:
    for path in (
        ".env",
        ".local/credentials.json",
        ".git/config",
        "deploy/docker/secrets/database-url",
        "tests/conftest.py",
    ):
        assert ignored(Path(path)), path
    for path in ("protos/generate.py", "services/worker/src/worker/__main__.py", "deploy/docker/runtime.lock"):
        assert not ignored(Path(path)), path
    assert ignored(Path("protos/gen/jobqueue/descriptors.binpb"))
    assert ignored(Path("services/audit/src/audit/__pycache__/ledger.cpython-311.pyc"))

"""compose.test.yaml, walked as an engine would, until its smoke test has seen a job go through.

Every container of ours runs with its exact command, environment, user, volumes and health check.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.conftest import StartNetwork
from deploy.support import compose
from deploy.support.compose import Project
from deploy.support.engine import Image, status_of
from docker.make_secrets import make_secrets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: containers need Linux")


@pytest.fixture
def project(scratch: Path, image: Image, server_images: dict[str, Image], start_network: StartNetwork) -> Project:
    make_secrets(scratch / "compose-secrets")
    services = compose.read("compose.yaml", "compose.test.yaml")["services"]
    pulled = {services[name]["image"]: found for name, found in server_images.items()}
    images = {**pulled, services["api-gateway"]["image"]: image}
    return Project(services, scratch, start_network(list(services)), images, scratch / "compose-secrets")


def test_a_job_goes_through_the_composed_stack_and_every_container_stops_in_time(project: Project) -> None:
    smoke = project.up("smoke")

    smoke.wait(240)

    services = ("api-gateway", "queue-admin", "audit", "worker-tickets", "worker-notifications")
    for name in services:
        found = status_of(project.started[name].pid)
        assert (found["Uid"].split()[0], found["NoNewPrivs"], int(found["CapEff"], 16)) == ("10001", "1", 0), name
        assert project.started[name].run("/bin/touch", "/opt/jobqueue/x").returncode != 0, name
    for name in services:
        grace = compose.seconds(project.services[name]["stop_grace_period"])
        project.started[name].stop(within=grace)

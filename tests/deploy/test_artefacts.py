"""What `make dist` builds, used as others use it: in environments where nothing of this repository is."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from grpc_tools import protoc

from deploy.support.engine import CHECKOUT
from fixtures.stack import RunningStack
from release.make_dist import make_dist
from service_kit import VERSION

UV = Path(sys.executable).with_name("uv")
ENQUEUE = """
import sys
from jobqueue_client import JobQueue
address, token_file = sys.argv[1:]
ticket = {"ticketId": "t-wheel", "propertyId": "p-1", "createdById": "user-tom", "landlordId": "landlord-hillside"}
print(JobQueue(address, token_file=token_file).enqueue("tickets", "ticket.created", ticket).id)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files by the first word of their names."""
    return {re.split(r"-\d", file.name)[0]: file for file in make_dist(tmp_path_factory.mktemp("dist") / "release")}


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Installs a wheel into a new environment, with the versions that were tested; returns the environment's bin."""

    def fresh(wheel: Path) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        pins = re.findall(r"^([\w.-]+==\S+)", (CHECKOUT / "requirements.lock").read_text(), re.MULTILINE)
        (folder / "pins.txt").write_text("\n".join(pins))
        uv(["venv", "--quiet", "--python", sys.executable, str(folder / "venv")])
        python, pinned = folder / "venv/bin/python", folder / "pins.txt"
        uv(["pip", "install", "--quiet", "--python", str(python), "--constraint", str(pinned), str(wheel)])
        return python.parent

    return fresh


def uv(arguments: list[str]) -> None:
    subprocess.run([UV, *arguments], check=True, timeout=300)


def test_a_backend_enqueues_with_nothing_but_the_clients_wheel(
    made: dict[str, Path], install: Callable[[Path], Path], stack: RunningStack, tmp_path: Path
) -> None:
    binaries = install(made["jobqueue_client"])
    token = stack.stack.credentials.token_file("backend")

    done = subprocess.run(
        [binaries / "python", "-I", "-c", ENQUEUE, stack.queue_admin_address, str(token)],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("ticket-created-t-wheel\n", "")
    with stack.client() as operator:
        assert operator.get("/jobs/queues/tickets/ticket-created-t-wheel").status_code == 200


def test_an_operator_works_with_nothing_but_jobsctls_wheel(
    made: dict[str, Path], install: Callable[[Path], Path], stack: RunningStack, tmp_path: Path
) -> None:
    binaries = install(made["jobsctl"])
    environment = {
        "HOME": str(tmp_path),
        "JOBSCTL_URL": stack.url,
        "JOBSCTL_TOKEN_FILE": str(stack.stack.credentials.token_file("jobsctl")),
    }

    def jobsctl(*arguments: str) -> str:
        command = [str(binaries / "jobsctl"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    assert jobsctl("--version") == f"jobsctl, version {VERSION}\n"
    assert "tickets" in jobsctl("queues")


def test_the_contracts_compile_by_themselves(made: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(made["jobqueue-protos"]) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / f"jobqueue-protos-{VERSION}"
    contracts = [str(path.relative_to(folder)) for path in (folder / "jobqueue").rglob("*.proto")]
    well_known = Path(protoc.__file__).parent / "_proto"

    status = protoc.main(
        ["protoc", f"-I{folder}", f"-I{well_known}", f"--descriptor_set_out={tmp_path / 'out'}", *contracts]
    )

    assert status == 0
    assert contracts


def test_the_checksums_are_those_of_the_files(made: dict[str, Path]) -> None:
    done = subprocess.run(
        ["/usr/bin/env", "sha256sum", "--check", "--strict", made["SHA256SUMS"].name],
        cwd=made["SHA256SUMS"].parent, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout.count(": OK")) == (0, 3)

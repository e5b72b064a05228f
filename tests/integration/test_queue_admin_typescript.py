"""The TypeScript example, installed, built and run against the real service."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from fixtures.queue_admin import RunningQueueAdmin, a_job_type

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "typescript"
OFFLINE = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET")
GENERATED = ("node_modules", "dist", "generated", "package-lock.json")


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example beside the contracts as in the repository, installed and built."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("NODE IS NOT INSTALLED: the TypeScript example was not run")
    folder = tmp_path / "examples" / "typescript"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(*GENERATED))
    (tmp_path / "protos").symlink_to(ROOT / "protos")
    installed = run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
    if installed.returncode and any(word in installed.stderr for word in OFFLINE):
        pytest.skip("THE NPM REGISTRY CANNOT BE REACHED: the TypeScript example was not run")
    assert installed.returncode == 0, installed.stderr
    built = run(folder, "npm", "run", "build")
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.slow
def test_the_typescript_example_enqueues_a_job_and_reads_it_back(example: Path, queue_admin: RunningQueueAdmin) -> None:
    schema = {"type": "object", "required": ["ticketId", "landlordId"]}
    queue_admin.register(a_job_type(version=2, schema=schema))
    token_file = queue_admin.authority.write_token(queue_admin.folder, "SERVICE", sub="nest", exp=4_000_000_000)

    first, again = (run(example, "npm", "start", "--", queue_admin.address, token_file, "42") for _ in range(2))

    assert first.returncode == 0, first.stderr
    shown = orjson.loads(first.stdout.splitlines()[-1])
    assert (shown["id"], shown["created"], shown["status"]) == ("ticket-created-42", True, "JOB_STATE_WAITING")
    assert shown["data"]["landlordId"] == "landlord-1"
    assert orjson.loads(again.stdout.splitlines()[-1])["created"] is False
    assert queue_admin.engine.get_job("tickets", "ticket-created-42").job.owner == "nest"

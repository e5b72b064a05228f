from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from fixtures.stack import RunningStack
from support.command_line import CommandLine


@pytest.fixture(scope="module")
def tokens(stack: RunningStack) -> dict[str, str]:
    return {email: stack.token(email) for email in ("admin@local", "ops@local")}


@pytest.fixture
def ops(stack: RunningStack, tokens: dict[str, str], tmp_path: Path) -> CommandLine:
    return CommandLine(stack.url, tmp_path, tokens["ops@local"])


@pytest.fixture
def admin(stack: RunningStack, tokens: dict[str, str], tmp_path: Path) -> CommandLine:
    return CommandLine(stack.url, tmp_path, tokens["admin@local"])


@pytest.fixture
def job(ops: CommandLine) -> str:
    """A delayed job of the test's own."""
    return delayed(ops)


def delayed(ops: CommandLine) -> str:
    job_id = f"ctl-{uuid.uuid4().hex}"
    assert (
        ops.out("enqueue", "notifications", "send-notification", DATA, "--id", job_id, "--delay", "3600")
        == f"{job_id}\n"
    )
    return job_id


DATA = '{"type": "email", "recipientId": "nobody", "subject": "Hello", "message": "From the command line"}'

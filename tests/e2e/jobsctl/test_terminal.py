"""What is asked of a person who sits at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from fixtures.stack import RunningStack
from support.command_line import CommandLine


def at_terminal(stack: RunningStack, typed: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it with a terminal as its input, on which `typed` was typed ahead."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed.encode())
        config = stack.stack.folder.jobsctl
        return subprocess.run(
            [str(Path(sys.executable).parent / "jobsctl"), "--config", str(config), *words],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_reason_is_asked_for(stack: RunningStack, ops: CommandLine, job: str) -> None:
    done = at_terminal(stack, "the visit is off\n", "cancel", "notifications", job)

    assert (done.returncode, done.stdout) == (0, f"{job}: cancelled\n"), done.stderr
    assert "Why" in done.stderr
    assert ops.json("show", "notifications", job)["failedReason"] == "the visit is off"


def test_a_no_changes_nothing_and_a_yes_does(stack: RunningStack, ops: CommandLine, job: str) -> None:
    words = ("cancel", "notifications", "--status", "delayed", "--all", "--reason", "a test")

    refused = at_terminal(stack, "n\n", *words)
    assert (refused.returncode, "jobs of notifications?" in refused.stderr) == (1, True)
    assert ops.json("show", "notifications", job)["status"] == "delayed"

    assert at_terminal(stack, "y\n", *words).returncode == 0
    assert ops.json("show", "notifications", job)["cancelled"] is True

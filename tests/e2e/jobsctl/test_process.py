"""What only the program itself shows: live output, completion, colour, the local stack's own settings."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from e2e.jobsctl.conftest import DATA
from fixtures.stack import RunningStack
from support.command_line import CommandLine

BIN = Path(sys.executable).parent


@pytest.fixture
def config(stack: RunningStack) -> Path:
    """What the local stack left for the command line."""
    return stack.stack.folder.jobsctl


def run(config: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(config.parent), "JOBSCTL_CONFIG": str(config), **more}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_local_stack_leaves_settings_that_need_nothing_else(config: Path) -> None:
    done = run(config, "jobsctl", "queues", "--json")

    assert done.returncode == 0, done.stderr
    assert {"tickets", "notifications"} <= {row["name"] for row in json.loads(done.stdout)}
    assert run(config, sys.executable, "-m", "jobsctl", "show", "tickets", "no-such-job").returncode == 3


def test_jobs_are_seen_as_they_end(config: Path, ops: CommandLine) -> None:
    command = [str(BIN / "jobsctl"), "--config", str(config), "tail", "notifications", "--json", "--every", "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        try:
            assert first_seen(ops, tail.stdout)["queue"] == "notifications"
        finally:
            tail.terminate()


def first_seen(ops: CommandLine, seen: IO[str]) -> dict[str, str]:
    """Hand over jobs one by one until one of them is seen: until the first look is over, what ends is taken for old."""
    for _ in range(60):
        ops.out("enqueue", "notifications", "send-notification", DATA)
        if select.select([seen], [], [], 1)[0]:
            return dict(json.loads(seen.readline()))
    raise AssertionError("nothing was seen")


def test_what_ended_before_can_be_shown_first(ops: CommandLine, job: str) -> None:
    ops.out("cancel", "notifications", job, "--reason", "to be seen")

    assert job in ops.out("tail", "notifications", "--last", "1", "--count", "1")
    assert ops.json("tail", "--last", "1", "--count", "1")["id"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("jobsctl pa", "pause"),
        ("jobsctl pause not", "notifications"),
        ("jobsctl retry tickets --err", "--error-contains"),
        ("jobsctl jobs tickets --status de", "delayed"),
        ("jobsctl audit v", "verify"),
    ],
)
def test_bash_completes_commands_options_and_queues(config: Path, typed: str, offered: str) -> None:
    *_, last = words = typed.split()
    quoted = " ".join(words)
    script = f"""eval "$(jobsctl completion bash)"
        COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _jobsctl_completion jobsctl {last}; echo "${{COMPREPLY[@]}}"
    """

    done = run(config, "bash", "--norc", "-c", script)

    assert (done.stdout.strip(), done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_there_is_a_script_for_other_shells(ops: CommandLine, shell: str) -> None:
    assert "jobsctl" in ops.out("completion", shell)


def test_completion_is_silent_without_a_gateway(config: Path) -> None:
    asked = {"COMP_WORDS": "jobsctl pause n", "COMP_CWORD": "2", "_JOBSCTL_COMPLETE": "bash_complete"}

    done = run(config, "jobsctl", **asked, JOBSCTL_URL="http://127.0.0.1:9")

    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_a_pipe_gets_no_colour_and_a_terminal_none_with_no_color(config: Path) -> None:
    assert "\x1b" not in run(config, "jobsctl", "queues").stdout
    on_terminal = ("script", "-qec", "jobsctl queues", "/dev/null")
    assert "\x1b[1m" in run(config, *on_terminal, TERM="xterm").stdout
    assert "\x1b[" not in run(config, *on_terminal, TERM="xterm", NO_COLOR="yes").stdout

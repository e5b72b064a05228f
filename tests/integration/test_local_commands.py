from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from fixtures.stack import secrets_made_once
from local.settings import LocalSettings
from support.waiting import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"


class LocalCommand:
    """`python -m local` with a state folder of its own and free ports."""

    def __init__(self, state: Path) -> None:
        self.state = state
        ports = {name.upper(): "0" for name in LocalSettings.model_fields if name.endswith("_port") or name == "port"}
        self._environment = {"PATH": os.defpath, "PYTHONPATH": str(DEPLOY), "STATE_FOLDER": str(state), **ports}

    def __call__(self, *action: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local", *action],
            env={**self._environment, **settings},
            cwd=self.state.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def in_foreground(self, output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "local", "up"],
                env=self._environment,
                cwd=self.state.parent,
                stdout=out,
                stderr=subprocess.STDOUT,
            )


@pytest.fixture
def command(tmp_path: Path) -> Iterator[LocalCommand]:
    shutil.copytree(secrets_made_once(), tmp_path / "state")
    one = LocalCommand(tmp_path / "state")
    yield one
    one("down")


def test_up_in_the_background_serves_until_down_and_keeps_the_data(command: LocalCommand) -> None:
    up = command("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    state = json.loads((command.state / "state.json").read_text())
    assert httpx.get(state["gateway"] + "/health").json()["status"] == "ok"
    assert command("status").returncode == 0
    assert "runs already" in command("up").stderr
    assert "runs already" in command("reset").stderr

    down = command("down")

    assert down.returncode == 0
    assert [name for name, process in state["processes"].items() if is_running(process["pid"])] == []
    assert (command.state / "postgres" / "PG_VERSION").exists()
    assert list((command.state / "valkey" / "appendonlydir").iterdir())
    assert command("status").returncode == 1


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_stops_everything_and_ends_well(command: LocalCommand, tmp_path: Path) -> None:
    foreground = command.in_foreground(tmp_path / "out")
    wait_until((command.state / "state.json").exists, within=60, what="the stack")
    state = json.loads((command.state / "state.json").read_text())

    foreground.send_signal(signal.SIGINT)

    assert foreground.wait(60) == 0
    assert [name for name, process in state["processes"].items() if is_running(process["pid"])] == []
    assert "was killed" not in (tmp_path / "out").read_text()


def test_a_stack_whose_supervisor_was_killed_ends_and_starts_again(command: LocalCommand) -> None:
    command("up", "--detach")
    first = json.loads((command.state / "state.json").read_text())

    os.kill(first["supervisor"], signal.SIGKILL)
    wait_until(lambda: not any(is_running(process["pid"]) for process in first["processes"].values()), within=20)
    again = command("up", "--detach")

    assert again.returncode == 0, again.stdout + again.stderr
    assert "The stack is ready." in again.stdout
    assert re.search(r"dashboard +http://127\.0\.0\.1:\d+/job-queues\n", again.stdout)
    assert httpx.get(json.loads((command.state / "state.json").read_text())["gateway"] + "/health").is_success


def test_credentials_are_printed_and_kept_for_their_owner_only(command: LocalCommand, tmp_path: Path) -> None:
    up = command("up", "--detach")

    kept = json.loads((command.state / "credentials.json").read_text())
    assert list(kept) == ["admin@local", "ops@local", "service@local", "tenant@local"]
    assert [email for email, password in kept.items() if password not in up.stdout] == []
    secrets = [command.state / "credentials.json", *(command.state / "keys").iterdir()]
    open_ones = {path.name for path in secrets if stat.S_IMODE(path.stat().st_mode) != 0o600}
    assert open_ones == {"jwks.json"}


def test_a_port_in_use_is_one_line_that_names_the_setting(command: LocalCommand) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]

        up = command("up", AUDIT_PORT=str(port))

    assert up.returncode == 1
    assert up.stderr == f"port {port} is in use: set AUDIT_PORT to another one, or to 0 for a free one\n"


def test_a_store_that_does_not_answer_is_one_line(command: LocalCommand) -> None:
    up = command("up", REDIS_URL="redis://127.0.0.1:1/0")

    assert up.returncode == 1
    assert up.stderr == "the store that REDIS_URL names does not answer\n"


def test_a_service_that_refuses_its_settings_is_reported_with_its_own_words(command: LocalCommand) -> None:
    up = command("up", WORKER_THREDS="8")

    assert up.returncode == 1
    assert "worker-tickets ended with status 2" in up.stderr
    assert "WORKER_THREDS: there is no such setting; did you mean WORKER_THREADS?" in up.stderr


def test_a_given_store_and_database_are_used_and_kept(
    command: LocalCommand, valkey_url: str, database_url: str
) -> None:
    with redis.Redis.from_url(valkey_url) as store:
        store.set("somebodys", "data")

    up = command("up", "--detach", REDIS_URL=valkey_url, DATABASE_URL=database_url)
    assert up.returncode == 0, up.stdout + up.stderr
    state = json.loads((command.state / "state.json").read_text())
    command("down")

    assert not {"valkey", "postgres"} & set(state["processes"])
    with redis.Redis.from_url(valkey_url, decode_responses=True) as store:
        assert store.get("somebodys") == "data"
        assert store.dbsize() > 1
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('platform') IS NOT NULL").fetchone() == (True,)


def test_reset_deletes_everything(command: LocalCommand) -> None:
    done = command("reset")

    assert done.returncode == 0
    assert [path.name for path in command.state.iterdir()] == ["lock"]

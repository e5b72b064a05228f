from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from api_gateway.auth.signing import Signer, load_key, make_keys
from support.gateway import Backend
from support.waiting import wait_until

COMMAND = (sys.executable, "-m", "api_gateway")
PASSWORD = "correct horse"


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PORT": "0",
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_METRICS_PORT": "0",
        "GATEWAY_SIGNING_KEY_FILE": str(folder / "key.json"),
        "GATEWAY_USERS_FILE": str(folder / "users.json"),
        "AUTH_JWKS": str(folder / "jwks.json"),
        **more,
    }


def run(folder: Path, *arguments: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(folder, **more),
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


class Process:
    """The gateway as a process, its log read line by line."""

    def __init__(self, folder: Path, **more: str) -> None:
        make_keys(folder / "key.json", folder / "jwks.json", rotate=False)
        self._log = folder / "gateway.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                COMMAND, env=environment(folder, **more), cwd=folder, stdout=log, stderr=subprocess.STDOUT
            )
        started = wait_until(lambda: self.events("gateway_started"), within=20)[0]
        self.url = f"http://127.0.0.1:{started['port']}"
        self.metrics_url = f"http://127.0.0.1:{started['metrics_port']}"

    def events(self, name: str) -> list[Any]:
        lines = [orjson.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def test_it_ends_with_0_after_sigterm(process: Process) -> None:
    wait_until(lambda: httpx.get(f"{process.url}/health").status_code == 200)

    process.process.send_signal(signal.SIGTERM)

    assert process.process.wait(10) == 0
    assert process.events("gateway_stopped")
    assert "Traceback" not in process.log()


def test_a_request_that_runs_is_finished_before_it_ends(tmp_path: Path) -> None:
    make_keys(tmp_path / "key.json", tmp_path / "jwks.json", rotate=False)
    go_on = threading.Event()
    backend = Backend(replies={"ListQueues": go_on})
    backend.start(str(tmp_path / "jwks.json"))
    running = Process(tmp_path, GATEWAY_QUEUE_ADMIN_ADDRESS=backend.address)
    token = Signer(load_key(str(tmp_path / "key.json")), "jobqueue", "jobqueue").sign("a", ["OPS"], seconds=60)
    answers = []

    def ask() -> None:
        answers.append(httpx.get(f"{running.url}/jobs/queues", headers={"authorization": f"Bearer {token}"}))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: backend.calls)
    running.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not listens(running.url))
    go_on.set()
    asking.join(5)

    assert [answer.status_code for answer in answers] == [200]
    assert running.process.wait(10) == 0
    backend.stop()


def listens(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("setting", ["PORT", "GATEWAY_METRICS_PORT"])
def test_a_port_in_use_is_one_clear_line(tmp_path: Path, setting: str) -> None:
    make_keys(tmp_path / "key.json", tmp_path / "jwks.json", rotate=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run(tmp_path, **{setting: port})

    assert ended.returncode == 2
    assert ended.stderr == f"start-up: {setting}: port {port} of 127.0.0.1 is in use\n"


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"GATEWAY_USER_FILE": "x"}, "settings: GATEWAY_USER_FILE: there is no such setting; did you mean"),
        ({"GATEWAY_TOKEN_SECONDS": "5"}, "settings: GATEWAY_TOKEN_SECONDS: "),
        ({"AUTH_JWKS": ""}, "settings: AUTH_JWKS: is needed"),
        ({"GATEWAY_SIGNING_KEY_FILE": ""}, "settings: GATEWAY_SIGNING_KEY_FILE: is needed"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, more: dict[str, str], line: str) -> None:
    make_keys(tmp_path / "key.json", tmp_path / "jwks.json", rotate=False)

    ended = run(tmp_path, **more)

    assert ended.returncode == 2
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1


def test_metrics_and_probes_are_on_their_own_port(process: Process) -> None:
    httpx.get(f"{process.url}/health")

    counted = 'http_request_duration_seconds_count{method="GET",route="/health",status="200"} 1.0'
    wait_until(lambda: counted in httpx.get(f"{process.metrics_url}/metrics").text)
    assert httpx.get(f"{process.metrics_url}/livez").status_code == 200
    assert httpx.get(f"{process.metrics_url}/readyz").status_code == 200
    assert httpx.get(f"{process.url}/metrics").status_code == 404


def test_each_request_is_one_log_line_without_payload_token_or_password(process: Process, tmp_path: Path) -> None:
    assert run(tmp_path, "users", "add", "ops@example.org", "--role", "OPS", given=f"{PASSWORD}\n").returncode == 0
    body = {"email": "ops@example.org", "password": PASSWORD}
    token = httpx.post(f"{process.url}/auth/login", json=body).json()["accessToken"]
    httpx.post(
        f"{process.url}/jobs/queues/tickets?canary-in-query=1",
        json={"name": "x", "data": {"canary": "canary-in-data"}},
        headers={"authorization": f"Bearer {token}", "x-request-id": "the-id"},
    )

    def its_lines() -> list[Any]:
        return [event for event in process.events("http_request") if event["request_id"] == "the-id"]

    (line,) = wait_until(its_lines)
    assert (line["route"], line["method"], line["status"]) == ("/jobs/queues/{queue}", "POST", 400)
    assert line["actor"]
    assert line["ms"] > 0
    for secret in ("canary-in-data", "canary-in-query", token, PASSWORD, "ops@example.org"):
        assert secret not in process.log()


def test_commands_make_keys_users_and_tokens(tmp_path: Path) -> None:
    assert run(tmp_path, "keys").returncode == 0
    added = run(tmp_path, "users", "add", "Ops@Example.org", "--role", "OPS", "--id", "ops", given=f"{PASSWORD}\n")
    assert (added.returncode, added.stdout, added.stderr) == (0, "", "")
    assert run(tmp_path, "users", "list").stdout == "ops@example.org\tOPS\tops\n"

    printed = run(tmp_path, "token", "--subject", "worker", "--role", "WORKER", "--days", "3")
    assert printed.stdout.count(".") == 2
    written = run(
        tmp_path, "token", "--subject", "worker", "--role", "WORKER", "--days", "3", "--out", str(tmp_path / "token")
    )
    assert written.stdout == ""
    assert os.stat(tmp_path / "token").st_mode & 0o777 == 0o600  # noqa: PTH116 - the mode is what matters

    assert run(tmp_path, "users", "remove", "ops@example.org").returncode == 0
    assert run(tmp_path, "users", "list").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "given", "line"),
    [
        (["users", "add", "a@b", "--role", "OPS"], "short\n", "a password has 8 to 1000 characters"),
        (["users", "add", "nobody", "--role", "OPS"], "", "nobody is no email address"),
        (["users", "remove", "a@b"], "", "there is no user a@b"),
        (["token", "--subject", "x", "--role", "OPS", "--days", "0"], "", "--days must be from 1 to 3650"),
        (["users", "add", "a@b", "--role", "WORKER"], "", "invalid choice: 'WORKER'"),
        (["sing"], "", "invalid choice: 'sing'"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(tmp_path: Path, arguments: list[str], given: str, line: str) -> None:
    make_keys(tmp_path / "key.json", tmp_path / "jwks.json", rotate=False)

    ended = run(tmp_path, *arguments, given=given)

    assert ended.returncode == 2
    assert line in ended.stderr
    assert "Traceback" not in ended.stderr

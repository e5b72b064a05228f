from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter

from service_kit.lifecycle import Loop, exit_with
from service_kit.metrics import MetricsServer
from service_kit.ports import PortInUse
from service_kit.settings import SettingsError
from support.waiting import wait_until


def test_a_loop_goes_on_at_once_while_there_is_work_and_then_waits() -> None:
    work, passes = [1] * 5, []

    def tick() -> int:
        passes.append(len(work))
        return len([work.pop()] if work else [])

    loop = Loop("worker", tick, every_seconds=60)
    loop.start()

    wait_until(lambda: len(passes) == 6)
    loop.stop()
    assert passes == [5, 4, 3, 2, 1, 0]


def test_a_loop_outlives_errors_and_its_age_tells() -> None:
    calls = threading.Semaphore(0)

    def tick() -> int:
        calls.release()
        raise RuntimeError("the pipe is blocked")

    loop = Loop("worker", tick, every_seconds=0.01)
    with structlog.testing.capture_logs() as logs:
        loop.start()
        for _ in range(3):
            assert calls.acquire(timeout=2)
        loop.stop()

    assert loop.age_seconds() > 0.02
    assert logs[0]["error"] == "the pipe is blocked"
    assert [entry["exc_info"] is not None for entry in logs[:3]] == [True, False, False]


def test_a_loop_that_never_began_can_be_stopped() -> None:
    Loop("worker", lambda: 0, every_seconds=1).stop()


def test_stopping_a_loop_waits_for_the_pass_that_runs() -> None:
    began, done = threading.Event(), threading.Event()

    def tick() -> int:
        began.set()
        done.wait(5)
        return 0

    loop = Loop("worker", tick, every_seconds=60)
    loop.start()
    began.wait(5)
    threading.Timer(0.05, done.set).start()

    loop.stop()

    assert done.is_set()


WAITING = """
from service_kit.lifecycle import wait_for_stop_signal
import threading, time
print("ready", flush=True)
print(wait_for_stop_signal(), flush=True)
time.sleep(20)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_is_answered_and_the_second_ends_the_process(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        wait_until(lambda: catches_sigterm(process.pid), what="its handlers are in place")

        process.send_signal(number)

        assert process.stdout.readline() == f"{number.value}\n"
        process.send_signal(number)
        assert process.wait(5) == -number


@contextmanager
def process_1(folder: Path, script: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """What a container's entry point runs, as process 1 of a namespace; with its id out here."""
    (folder / "script.py").write_text(script)
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("NOT TESTED: process 1, because this machine lets nobody make namespaces (unshare, Linux)")
    command = [*unshare, sys.executable, "-m", "service_kit.container", "script"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process, int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        finally:
            process.kill()


def test_process_1_ends_at_once_by_a_signal_while_it_still_imports(tmp_path: Path) -> None:
    with process_1(tmp_path, "import time; print('ready', flush=True); time.sleep(60)") as (process, pid):
        os.kill(pid, signal.SIGTERM)

        assert process.wait(5) == 128 + signal.SIGTERM


HANDLERS_IN_PLACE = """
import signal, threading, time
def tell():
    while signal.getsignal(signal.SIGTERM).__name__ == "end_at_once":
        time.sleep(0.01)
    print("ready", flush=True)
threading.Thread(target=tell).start()
"""


def test_the_second_signal_ends_process_1_too(tmp_path: Path) -> None:
    script = HANDLERS_IN_PLACE + WAITING.replace('print("ready", flush=True)', "")
    with process_1(tmp_path, script) as (process, pid):
        os.kill(pid, signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{signal.SIGTERM.value}\n"
        os.kill(pid, signal.SIGTERM)

        assert process.wait(5) == 128 + signal.SIGTERM


def catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def test_each_problem_of_a_start_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        exit_with(SettingsError("A: is needed\nB: is no number"))

    assert ended.value.code == 2
    assert capsys.readouterr().err == "settings: A: is needed\nsettings: B: is no number\n"


def get(server: MetricsServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_metrics_port_answers_metrics_and_both_probes() -> None:
    registry = CollectorRegistry()
    Counter("pipes_fixed", "Pipes fixed.", registry=registry).inc(3)
    problems: list[str | None] = [None]
    server = MetricsServer(0, registry, live=lambda: None, ready=lambda: problems[0], host="127.0.0.1")

    assert "pipes_fixed_total 3.0" in get(server, "/metrics?x=1")[1]
    assert get(server, "/livez") == (200, "ok")
    assert get(server, "/readyz") == (200, "ok")
    problems[0] = "the store is away"
    assert get(server, "/readyz") == (503, "the store is away")
    assert get(server, "/")[0] == 404
    server.stop()


def test_a_metrics_port_in_use_is_one_clear_error() -> None:
    server = MetricsServer(0, CollectorRegistry(), live=lambda: None, ready=lambda: None)

    with pytest.raises(PortInUse, match=f"port {server.port} of .* is in use"):
        MetricsServer(server.port, CollectorRegistry(), live=lambda: None, ready=lambda: None)
    server.stop()


def test_the_metrics_port_answers_on_ipv4_when_it_listens_everywhere() -> None:
    server = MetricsServer(0, CollectorRegistry(), live=lambda: None, ready=lambda: None)

    assert get(server, "/livez") == (200, "ok")
    server.stop()

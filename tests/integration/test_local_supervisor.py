from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import supervisor as supervisor_module
from local.ports import PortInUse, choose
from local.process import Child, Program, ProgramFailed
from local.state import AlreadyRunning, StateFolder
from local.supervisor import Stage, Supervisor
from support.waiting import wait_until

STEADY = "import sys, time; print('started', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('started', flush=True); time.sleep(600)"
NOTES_ITS_END = """
import pathlib, signal, sys, time
def end(*_):
    with pathlib.Path("ends").open("a") as ends: ends.write(sys.argv[1] + "\\n")
    sys.exit(0)
signal.signal(15, end)
print("started", flush=True)
time.sleep(600)
"""


def a_program(folder: Path, name: str, code: str, *, stop_seconds: float = 10, ready_seconds: float = 10) -> Program:
    log = folder / f"{name}.log"
    return Program(
        name=name,
        command=(sys.executable, "-c", code, name),
        folder=folder,
        ready=lambda: log.exists() and "started" in log.read_text(),
        stop_seconds=stop_seconds,
        ready_seconds=ready_seconds,
    )


@contextmanager
def running(folder: Path, *stages: Stage, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(stages, logs=folder, say=said.append)
    try:
        supervisor.start()
        yield supervisor
    finally:
        supervisor.stop()


def test_a_stage_begins_once_the_one_before_is_ready_and_its_work_done(tmp_path: Path) -> None:
    said: list[str] = []
    first = Stage([a_program(tmp_path, "first", STEADY)], lambda: said.append("first stage done"))

    with running(tmp_path, first, Stage([a_program(tmp_path, "second", STEADY)]), said=said):
        assert [line.split(" (")[0] for line in said] == ["first is ready", "first stage done", "second is ready"]


def test_the_stages_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    stages = [Stage([a_program(tmp_path, name, NOTES_ITS_END)]) for name in ("one", "two", "three")]

    with running(tmp_path, *stages, said=[]):
        pass

    assert (tmp_path / "ends").read_text().split() == ["three", "two", "one"]


def test_a_child_is_asked_to_stop_only_once(tmp_path: Path) -> None:
    counts = """
import signal, sys, time
asked = []
signal.signal(15, lambda *_: asked.append(1))
print("started", flush=True)
while not asked: time.sleep(0.01)
time.sleep(0.3)
print("asked", len(asked), flush=True)
"""
    with running(tmp_path, Stage([a_program(tmp_path, "counts", counts)]), said=[]):
        pass

    assert "asked 1" in (tmp_path / "counts.log").read_text()


def test_a_child_that_does_not_stop_in_time_is_killed_and_named(tmp_path: Path) -> None:
    said: list[str] = []

    with running(tmp_path, Stage([a_program(tmp_path, "stubborn", STUBBORN, stop_seconds=0.2)]), said=said) as all_:
        child = all_["stubborn"]

    assert child.exit_status == -signal.SIGKILL
    assert said[-1] == "stubborn did not stop within 0 s and was killed"


def test_a_child_that_fails_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = a_program(tmp_path, "broken", "raise SystemExit('no such flavour')")

    with (
        pytest.raises(ProgramFailed, match=r"(?s)broken ended with status 1; its log .*no such flavour"),
        running(tmp_path, Stage([broken]), said=[]),
    ):
        pass


def test_a_child_that_is_not_ready_in_time_is_reported(tmp_path: Path) -> None:
    silent = a_program(tmp_path, "silent", "import time; time.sleep(600)", ready_seconds=0.3)

    with pytest.raises(ProgramFailed, match="silent was not ready"), running(tmp_path, Stage([silent]), said=[]):
        pass


def test_a_child_that_dies_is_started_again_after_a_pause_that_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.05)
    said: list[str] = []

    with running(tmp_path, Stage([a_program(tmp_path, "mortal", STEADY)]), said=said) as all_:
        for _ in range(2):
            before = all_["mortal"].pid
            all_["mortal"].kill()
            wait_until(lambda: (all_.tick(), all_["mortal"].alive)[1], what="a restart")
            assert all_["mortal"].pid != before

    deaths = [line.split(";")[1] for line in said if "was ended by SIGKILL" in line]
    assert deaths == [" it is started again in 0.05 s", " it is started again in 0.1 s"]


def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux ties a child's life to its parent's")
    parent = f"""
import sys, time
from pathlib import Path
sys.path[:0] = {sys.path!r}
from local.process import Child, Program
command = (sys.executable, "-c", {STEADY!r})
child = Child(Program(name="child", command=command, folder=Path("."), ready=bool), Path("log"))
child.start()
Path("pid").write_text(str(child.pid))
time.sleep(600)
"""
    killed = subprocess.Popen([sys.executable, "-c", parent], cwd=tmp_path)
    wait_until(lambda: (tmp_path / "log").exists() and "started" in (tmp_path / "log").read_text())
    child = int((tmp_path / "pid").read_text())

    killed.kill()
    killed.wait()

    wait_until(lambda: not is_running(child), what="the child's end")


def is_running(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_child_sees_only_the_environment_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEBODYS_SECRET", "hidden")
    program = Program(
        name="curious",
        command=(sys.executable, "-c", "import os; print(*sorted(os.environ), flush=True)"),
        folder=tmp_path,
        ready=bool,
        environment={"GIVEN": "yes"},
    )
    child = Child(program, tmp_path / "curious.log")

    child.start()
    child.wait(10)

    assert (tmp_path / "curious.log").read_text().split() == ["GIVEN", "LANG", "PATH"]


def test_a_state_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")

    with folder.held():
        folder.write_state({"gateway": "here"})
        assert folder.owner() == os.getpid()
        assert folder.read_state() == {"gateway": "here"}
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"), StateFolder(tmp_path / "state").held():
            pass

    assert folder.owner() is None
    assert folder.read_state() is None


def test_a_port_in_use_names_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]

        with pytest.raises(PortInUse, match=f"^port {port} is in use: set AUDIT_PORT to another one"):
            choose({"PORT": 0, "AUDIT_PORT": port})


def test_free_ports_are_all_different() -> None:
    chosen = choose({f"PORT_{number}": 0 for number in range(50)})

    assert len(set(chosen.values())) == 50

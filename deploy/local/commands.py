"""What each command does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local import backup, postgres
from local import demo as working_day
from local.credentials import Credentials
from local.settings import LocalSettings
from local.stack import Stack, StackFailed
from local.state import StateFolder

TICK_SECONDS = 0.2
DOWN_SECONDS = 120  # each of four stages may take its 15 s, twice
UP_SECONDS = 180


class Stopped(BaseException):
    """A signal asked the stack to stop; not an Exception, so that no handler in between takes it for a failure."""


def run(action: str, settings: LocalSettings, *, detach: bool, service: str) -> int:
    """Carry out one command; returns the exit status."""
    match action:
        case "up":
            return up_detached(settings) if detach else up(settings)
        case "demo":
            return demo(settings)
        case "logs":
            return logs(settings, service)
        case _:
            simple: dict[str, Callable[[LocalSettings], int]] = {"down": down, "status": status, "reset": reset}
            return simple[action](settings)


def up(settings: LocalSettings, *, then: Callable[[Stack], bool | None] = lambda _: None) -> int:
    """Start all and look after it until Ctrl-C or SIGTERM.

    `then` is done once all is ready; what it returns other than None ends the stack with status 0 or 1.
    """
    with StateFolder(settings.state_folder).held():
        stack = Stack(settings, say=say)
        try:
            with stop_signals():
                stack.start()
                say(summary(stack))
                verdict = then(stack)
                while verdict is None:
                    time.sleep(TICK_SECONDS)
                    if stack.supervisor.tick():
                        stack.publish()
                return 0 if verdict else 1
        except Stopped:
            return 0
        finally:
            say("stopping")
            stack.stop()
            say(f"stopped; the data stays in {stack.folder.path}")


@contextmanager
def stop_signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise Stopped inside, once; from then on they are ignored while everything is stopped."""

    def stop(_number: int, _frame: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    yield


def up_detached(settings: LocalSettings) -> int:
    """Start `up` in the background and return once all is ready."""
    folder = StateFolder(settings.state_folder)
    if folder.owner() is not None:
        say("it runs already")
        return status(settings)
    log = folder.path / "logs" / "supervisor.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        background = subprocess.Popen(
            [sys.executable, "-m", "local", "up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    shown = 0
    deadline = time.monotonic() + UP_SECONDS
    while folder.read_state() is None and background.poll() is None and time.monotonic() < deadline:
        time.sleep(TICK_SECONDS)
        shown = _show_new(log, shown)
    time.sleep(TICK_SECONDS)
    _show_new(log, shown)
    return 0 if folder.read_state() is not None else 1


def _show_new(log: Path, shown: int) -> int:
    text = log.read_bytes()
    sys.stdout.write(text[shown:].decode(errors="replace"))
    sys.stdout.flush()
    return len(text)


def demo(settings: LocalSettings) -> int:
    """Drive the demo through the stack that runs, or through one started for it."""
    folder = StateFolder(settings.state_folder)
    state = folder.read_state()
    if state is None:
        return up(settings, then=lambda stack: _drive_own(stack, settings))
    credentials = Credentials(folder)
    port = state["ports"].get("POSTGRES_PORT", 0)
    database_url = settings.database_url or postgres.url(port, credentials.secret("postgres"))
    return 0 if working_day.run(state["gateway"], state["sink"], credentials.passwords(), database_url) else 1


def _drive_own(stack: Stack, settings: LocalSettings) -> bool | None:
    equal = working_day.run(stack.url, stack.sink_url, stack.credentials.passwords(), stack.database_url)
    return equal if settings.demo_exit else None


def down(settings: LocalSettings) -> int:
    """Stop the stack that runs and wait for it."""
    folder = StateFolder(settings.state_folder)
    owner = folder.owner()
    if owner is None:
        say("it does not run")
        return 0
    say("stopping")
    with suppress(ProcessLookupError):
        os.kill(owner, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while folder.owner() == owner and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
        if folder.owner() == owner:
            os.kill(owner, signal.SIGKILL)  # its children end with it
            say(f"process {owner} did not stop within {DOWN_SECONDS} s and was killed")
    say("stopped; the data stays")
    return 0


def status(settings: LocalSettings) -> int:
    """Say what runs and where; the exit status is 0 when all of it runs."""
    folder = StateFolder(settings.state_folder)
    state = folder.read_state()
    if state is None:
        say("it is starting or stopping" if folder.owner() is not None else "it does not run; start it with: make up")
        return 1
    say(f"gateway  {state['gateway']}\nsink     {state['sink']}\n")
    for name, process in state["processes"].items():
        say(f"{name:22} {'runs' if process['alive'] else 'died'}   process {process['pid']}")
    return 0 if all(process["alive"] for process in state["processes"].values()) else 1


def logs(settings: LocalSettings, service: str) -> int:
    """Follow the logs of one or all services until Ctrl-C."""
    folder = StateFolder(settings.state_folder)
    files = sorted(folder.logs.glob(f"{service or '*'}.log"))
    if not files:
        known = ", ".join(sorted(path.stem for path in folder.logs.glob("*.log")))
        raise StackFailed(f"there is no log of {service or 'anything'}; there are: {known or 'none'}")
    tail = shutil.which("tail") or "tail"
    os.execv(tail, [tail, "-n", "20", "-F", *map(str, files)])  # noqa: S606 - replaces this process; no shell is meant


def copy(action: str, settings: LocalSettings, place: Path) -> int:
    """Back the running stack up into `place`, or restore a stopped one from it."""
    verb = {"backup": backup.backup, "restore": backup.restore}[action]
    verb(StateFolder(settings.state_folder), place.absolute(), say=say)
    return 0


def reset(settings: LocalSettings) -> int:
    """Delete everything the stopped stack keeps; refused while it runs."""
    folder = StateFolder(settings.state_folder)
    with folder.held():
        for path in folder.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != folder.lock:
                path.unlink()
    say(f"deleted what was in {folder.path}")
    return 0


def summary(stack: Stack) -> str:
    """What a person wants to know once all is ready."""
    users = "\n".join(f"  {email:16} {password}" for email, password in stack.credentials.passwords().items())
    return (
        f"\nThe stack is ready.\n\n  dashboard        {stack.url}/job-queues\n"
        f"  REST, docs       {stack.url}  {stack.url}/docs\n"
        f"  gRPC             127.0.0.1:{stack.ports['QUEUE_ADMIN_PORT']}\n"
        f"  sent messages    {stack.sink_url}\n"
        f"  command line     .venv/bin/jobsctl --config {_shown(stack.folder.jobsctl)} queues\n\n{users}\n\n"
        f"  kept in          {stack.folder.path} (credentials.json, logs/, data)\n"
        f"  stop             Ctrl-C, or make down\n"
    )


def _shown(path: Path) -> Path:
    """The path as a person in this folder would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def say(line: str) -> None:
    """One line to the person who runs it, at once also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

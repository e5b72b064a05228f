"""The local stack's command: `python -m local up|demo|down|status|logs|reset|backup|restore`; make calls it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local import commands
from local.backup import BackupFailed
from local.credentials import GatewayCommandFailed
from local.ports import PortInUse
from local.process import ProgramFailed
from local.settings import LocalSettings, SettingsProblem
from local.stack import StackFailed
from local.state import AlreadyRunning

PROBLEMS = (SettingsProblem, PortInUse, ProgramFailed, StackFailed, GatewayCommandFailed, AlreadyRunning, BackupFailed)


def main() -> int:
    """Run one command; a foreseen problem is said in its own words, without a traceback."""
    parser = argparse.ArgumentParser(prog="local", description=__doc__)
    parser.set_defaults(detach=False, service="", place=None)
    actions = parser.add_subparsers(dest="action", required=True)
    up = actions.add_parser("up", help="start all and stay in the foreground")
    up.add_argument("-d", "--detach", action="store_true", help="start all in the background")
    actions.add_parser("demo", help="start all unless it runs, and drive a working day through it")
    actions.add_parser("down", help="stop all, keep the data")
    actions.add_parser("status", help="show what runs and where")
    logs = actions.add_parser("logs", help="follow the logs")
    logs.add_argument("service", nargs="?", default="", help="of one service only")
    actions.add_parser("reset", help="delete data, keys and logs of the stopped stack")
    actions.add_parser("backup", help="copy what the running stack keeps").add_argument("place", type=Path)
    actions.add_parser("restore", help="put a copy into a stopped stack without data").add_argument("place", type=Path)
    given = parser.parse_args()
    try:
        settings = LocalSettings.load()
        if given.place is not None:
            return commands.copy(given.action, settings, given.place)
        return commands.run(given.action, settings, detach=given.detach, service=given.service)
    except PROBLEMS as problem:
        sys.stderr.write(f"{problem}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())

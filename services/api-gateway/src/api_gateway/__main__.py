"""Start the gateway, or run one of its commands."""

from __future__ import annotations

import sys

from api_gateway import commands
from api_gateway.settings import GatewaySettings
from service_kit.lifecycle import answer_version, exit_with
from service_kit.settings import SettingsError


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM without arguments; else run the command they name."""
    try:
        if arguments:
            return run_command(arguments)
        from api_gateway.server import serve  # noqa: PLC0415 - the commands start faster without a web server

        return serve(GatewaySettings.load())
    except (SettingsError, OSError, ValueError) as problem:
        exit_with(problem)


def run_command(arguments: list[str]) -> int:
    """Run a command; what it refuses is one clear line."""
    try:
        return commands.run(arguments, GatewaySettings.load())
    except ValueError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2


if __name__ == "__main__":
    answer_version("api-gateway")
    sys.exit(main(sys.argv[1:]))

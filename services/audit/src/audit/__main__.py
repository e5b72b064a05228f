"""`python -m audit` serves; `python -m audit migrate` brings the schema up to date and ends."""

from __future__ import annotations

import sys

import psycopg

from audit.migrate import migrate
from audit.service import AuditService
from audit.settings import AuditSettings
from service_kit import VERSION, tracing
from service_kit.lifecycle import answer_version, exit_with, wait_for_stop_signal
from service_kit.logs import configure_logging
from service_kit.ports import PortInUse
from service_kit.settings import SettingsError


def main(arguments: list[str]) -> None:
    """Run what `arguments` name; ends the process with status 2 and a clear line when it cannot."""
    if arguments not in ([], ["migrate"]):
        exit_with(SettingsError("usage: python -m audit [migrate]"))
    try:
        settings = AuditSettings.load()
        configure_logging("audit", VERSION, level=settings.log_level)
        if arguments:
            with psycopg.connect(settings.database_url, connect_timeout=10) as connection:
                migrate(connection)
            return
        tracing.start_tracing(settings, "audit", VERSION)
        service = AuditService(settings)
    except (SettingsError, PortInUse, psycopg.Error) as problem:
        exit_with(problem)
    service.start()
    wait_for_stop_signal()
    service.stop()
    tracing.stop_tracing()


if __name__ == "__main__":
    answer_version("audit")
    main(sys.argv[1:])

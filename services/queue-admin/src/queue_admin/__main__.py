"""Start queue-admin: `python -m queue_admin`. Settings come from the environment, see settings.py."""

from __future__ import annotations

import structlog

from queue_admin.service import QueueAdmin
from queue_admin.settings import QueueAdminSettings
from service_kit import VERSION
from service_kit.lifecycle import exit_with, wait_for_stop_signal
from service_kit.logs import configure_logging
from service_kit.settings import SettingsError

log = structlog.get_logger()


def main() -> None:
    """Run until SIGTERM or SIGINT; exits with 2 and one line per problem when it cannot start."""
    try:
        settings = QueueAdminSettings.load()
        configure_logging("queue-admin", VERSION, level=settings.log_level)
        service = QueueAdmin(settings)
    except (SettingsError, RuntimeError, OSError, ValueError) as problem:
        exit_with(problem)
    service.start()
    log.info("service_started", port=service.port, metrics_port=service.metrics_port)
    number = wait_for_stop_signal()
    log.info("service_stopping", signal=number)
    service.stop()
    log.info("service_stopped")


if __name__ == "__main__":
    main()

"""Start queue-admin: `python -m queue_admin`. Settings come from the environment, see settings.py.

`python -m queue_admin accept-store-loss --actor WHO --reason WHY` lets all services use a store that has lost its jobs.
"""

from __future__ import annotations

import argparse
import sys

import structlog

from queue_admin.accept_loss import accept_loss
from queue_admin.service import QueueAdmin
from queue_admin.settings import QueueAdminSettings
from queue_engine.domain.errors import QueueEngineError
from service_kit import VERSION
from service_kit.errors import ServiceError
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


def accept() -> None:
    """Accept a loss of the store's jobs; exits with 2 and one line per problem when that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m queue_admin", allow_abbrev=False)
    parser.add_argument("command", choices=["accept-store-loss"])
    parser.add_argument("--actor", required=True, help="who accepts it, as the audit log shall name them")
    parser.add_argument("--reason", required=True)
    given = parser.parse_args()
    try:
        done = accept_loss(QueueAdminSettings.load(), actor=given.actor, reason=given.reason)
    except (SettingsError, ServiceError, QueueEngineError) as problem:
        exit_with(problem)
    sys.stdout.write("accepted: the store is used again\n" if done else "there was no loss to accept\n")


if __name__ == "__main__":
    if sys.argv[1:]:
        accept()
    else:
        main()

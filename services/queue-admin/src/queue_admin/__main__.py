"""Start queue-admin: `python -m queue_admin`. Settings come from the environment, see settings.py.

Its commands: `python -m queue_admin prepare-store` checks the store and loads the function library, for a store whose
services may not load functions; `python -m queue_admin accept-store-loss --actor WHO --reason WHY` lets all services
use a store that has lost its jobs.
"""

from __future__ import annotations

import argparse
import sys

import structlog

from queue_admin.accept_loss import accept_loss
from queue_admin.service import QueueAdmin
from queue_admin.settings import QueueAdminSettings
from queue_engine.domain.errors import QueueEngineError, StoreMisconfigured
from queue_engine.engine import QueueEngine
from service_kit import VERSION, tracing
from service_kit.errors import ServiceError
from service_kit.lifecycle import answer_version, exit_with, wait_for_stop_signal
from service_kit.logs import configure_logging
from service_kit.settings import SettingsError

log = structlog.get_logger()


def main() -> None:
    """Run until SIGTERM or SIGINT; exits with 2 and one line per problem when it cannot start."""
    try:
        settings = QueueAdminSettings.load()
        configure_logging("queue-admin", VERSION, level=settings.log_level)
        tracing.start_tracing(settings, "queue-admin", VERSION)
        service = QueueAdmin(settings)
    except (SettingsError, StoreMisconfigured, RuntimeError, OSError, ValueError) as problem:
        exit_with(problem)
    service.start()
    log.info("service_started", port=service.port, metrics_port=service.metrics_port)
    number = wait_for_stop_signal()
    log.info("service_stopping", signal=number)
    service.stop()
    tracing.stop_tracing()
    log.info("service_stopped")


def command() -> None:
    """Run the command that the arguments name; exits with 2 and one line per problem when that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m queue_admin", allow_abbrev=False)
    commands = parser.add_subparsers(required=True)
    prepare = commands.add_parser("prepare-store", help="check the store and load the function library")
    prepare.set_defaults(run=lambda _given: prepare_store())
    accept = commands.add_parser("accept-store-loss", help="let all services use a store that has lost its jobs")
    accept.add_argument("--actor", required=True, help="who accepts it, as the audit log shall name them")
    accept.add_argument("--reason", required=True)
    accept.set_defaults(run=accept_store_loss)
    given = parser.parse_args()
    try:
        said = given.run(given)
    except (SettingsError, ServiceError, QueueEngineError) as problem:
        exit_with(problem)
    sys.stdout.write(f"{said}\n")


def accept_store_loss(given: argparse.Namespace) -> str:
    """Record it, then end the loss."""
    done = accept_loss(QueueAdminSettings.load(), actor=given.actor, reason=given.reason)
    return "accepted: the store is used again" if done else "there was no loss to accept"


def prepare_store() -> str:
    """Safe to repeat; a newer library stays."""
    settings = QueueAdminSettings.load()
    engine = QueueEngine.connect(settings.redis_url, timeout_seconds=settings.queue_admin_store_timeout_seconds)
    try:
        return f"the store is ready, its function library is {engine.check_store().library_version}"
    finally:
        engine.close()


if __name__ == "__main__":
    answer_version("queue-admin")
    if sys.argv[1:]:
        command()
    else:
        main()

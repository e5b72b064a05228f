"""`python -m worker` takes jobs and runs them until SIGTERM or SIGINT."""

from __future__ import annotations

from types import ModuleType

import structlog

from queue_engine.domain.errors import StoreMisconfigured
from service_kit import VERSION, tracing
from service_kit.lifecycle import answer_version, exit_with, wait_for_stop_signal
from service_kit.logs import configure_logging
from service_kit.settings import SettingsError
from worker.job_types import MissingResource
from worker.service import OpenResources, WorkerService
from worker.settings import WorkerSettings

log = structlog.get_logger()


def main(package: ModuleType, open_resources: OpenResources) -> None:
    """Run the job types of `package`; ends with status 2 and one line per problem when it cannot start, else with 0."""
    try:
        settings = WorkerSettings.load()
        configure_logging("worker", VERSION, level=settings.log_level)
        tracing.start_tracing(settings, "worker", VERSION)
        service = WorkerService(settings, package, open_resources)
    except (SettingsError, MissingResource, StoreMisconfigured, RuntimeError, OSError, ValueError) as problem:
        exit_with(problem)
    service.start()
    log.info("stopping", signal=wait_for_stop_signal())
    service.stop()
    tracing.stop_tracing()


if __name__ == "__main__":
    answer_version("worker")
    from worker import jobs  # the tests run other job types by the same `main`
    from worker.resources import open_resources

    main(jobs, open_resources)

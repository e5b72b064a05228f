"""The real worker process with the job types of the fault tests: `python -m faults.support.worker_app`."""

from __future__ import annotations

from faults.support import job_types
from worker.__main__ import main


def run() -> None:
    """Until a signal ends it."""
    main(job_types, lambda _settings: ({}, lambda: None))


if __name__ == "__main__":
    run()

"""The real worker process with the job types of the tests: `python -m support.worker_app`."""

from __future__ import annotations

from support import sample_jobs
from worker.__main__ import main

if __name__ == "__main__":
    main(sample_jobs, lambda _settings: ({}, lambda: None))

"""The real worker process with job types of the tests: `python -m support.worker_app [PACKAGE]`."""

from __future__ import annotations

import importlib
import sys

from worker.__main__ import main

if __name__ == "__main__":
    package = sys.argv[1] if len(sys.argv) > 1 else "support.sample_jobs"
    main(importlib.import_module(package), lambda _settings: ({}, lambda: None))

"""The real worker process with the job types of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import sample_jobs
from worker.__main__ import main

main(sample_jobs, lambda _settings: ({}, lambda: None))

"""The engine's promises hold on a cluster as they do on one server: the same tests, with three primaries beneath.

`make test-cluster` runs all of them so; here are those that depend most on where a call goes.
"""

from __future__ import annotations

# pytest collects what a module imports: star imports are the one way to run other modules' tests with other fixtures.
# ruff: noqa: F403
from engine.test_audit_stream import *
from engine.test_leases import *
from engine.test_wake import *

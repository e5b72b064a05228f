"""As test_same_promises, with the modules that CI has no time for."""

from __future__ import annotations

import pytest

# ruff: noqa: F403
from engine.test_cancel import *
from engine.test_dead_letter import *
from engine.test_enqueue import *
from engine.test_error_groups import *
from engine.test_finding import *
from engine.test_order import *
from engine.test_outcomes import *
from engine.test_quarantine import *
from engine.test_reading import *
from engine.test_registry import *
from engine.test_related import *
from engine.test_reschedule import *
from engine.test_suspects import *

pytestmark = pytest.mark.long_fault

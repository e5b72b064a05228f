"""Random histories on the real store, judged step by step by the model.

To repeat a run: pytest tests/engine/test_model.py --explore-seed <number>; for longer ones: --model-runs <number>.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from engine.machine import QueueMachine
from engine.virtual_time import take_over_clock
from fixtures.explored import Say

STEPS = 80


@pytest.mark.slow
def test_random_histories_agree_with_the_model(
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    explore_seed: int,
    say_at_the_end: Say,
) -> None:
    take_over_clock(monkeypatch)
    monkeypatch.setattr(QueueMachine, "url", valkey_url, raising=False)
    seed(explore_seed)(QueueMachine)
    try:
        run_state_machine_as_test(
            QueueMachine,
            settings=settings(
                max_examples=pytestconfig.getoption("--model-runs"),
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        say_at_the_end(f"model: {QueueMachine.steps} steps, {QueueMachine.runs} runs, seed {explore_seed}")

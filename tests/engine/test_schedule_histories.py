"""Random histories of schedules on the real store, judged by a model; to repeat a run: --explore-seed <number>."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from engine.schedule_machine import ScheduleMachine
from engine.virtual_time import take_over_clock
from fixtures.explored import Say


@pytest.mark.slow
def test_each_due_time_makes_one_job_or_is_missed_whoever_races_and_however_the_clock_jumps(
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    explore_seed: int,
    say_at_the_end: Say,
) -> None:
    take_over_clock(monkeypatch)
    monkeypatch.setattr(ScheduleMachine, "url", valkey_url, raising=False)
    seed(explore_seed)(ScheduleMachine)
    try:
        run_state_machine_as_test(
            ScheduleMachine,
            settings=settings(
                max_examples=pytestconfig.getoption("--model-runs"),
                stateful_step_count=30,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        say_at_the_end(f"schedules: {ScheduleMachine.runs} histories, seed {explore_seed}")

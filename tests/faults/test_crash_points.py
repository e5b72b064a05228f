"""Each call of each part is harmed in each way: not sent, its reply lost, executed twice. Nothing may go wrong by that.

The parts run their own code in an order that a scenario decides (faults/support/crash). In short each call is harmed in
one way, drawn by --explore-seed; `make test-explore` does all ways, and --crash-pairs <number> two harms in one run.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import structlog

from engine.virtual_time import take_over_clock
from faults.support.crash.errands import World, errands
from faults.support.crash.front import a_front
from faults.support.crash.scenario import Stage
from faults.support.crash.transport import Harm, HarmedStore, Plan, WorkersTime
from faults.support.ledger import Ledger
from fixtures.explored import Say
from queue_engine import enqueuing
from queue_engine.store.redis_store import Arg, Reply
from worker.dramatiq_broker import consumer, desk, heartbeat, roster

Point = tuple[str, int]
Harms = dict[Point, Harm]


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of expected warnings would hide the one that matters."""
    dramatiq = logging.getLogger("dramatiq")
    dramatiq.setLevel(logging.CRITICAL + 1)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
    dramatiq.setLevel(logging.NOTSET)


@pytest.fixture
def stage(
    valkey_url: str, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: None
) -> Iterator[Stage]:
    take_over_clock(monkeypatch)
    monkeypatch.setattr(enqueuing, "FIRST_PART", 1)  # a batch of two goes in parts
    workers_time, world = WorkersTime(), World(ledger)
    for module in (consumer, desk, heartbeat, roster):
        monkeypatch.setattr(module, "time", workers_time)
    with a_front(tmp_path) as front:
        yield Stage(valkey_url, front, world, errands(world), workers_time)


def calls_of(stage: Stage) -> dict[Point, str]:
    """All calls that are made when nothing is harmed."""
    plan = Plan({})
    assert stage.run(plan) == []
    return plan.calls


def explore(stage: Stage, schedules: Iterable[Harms], say: Say, words: str) -> None:
    explored, violations = 0, []
    for harms in schedules:
        plan = Plan(harms)
        violations += [f"{'; '.join(plan.met)}: {wrong}" for wrong in stage.run(plan)]
        explored += 1
    say(f"crash points, {words}: {explored} schedules explored, {len(violations)} violations")
    assert not violations, "\n".join(violations[:50])


def test_a_planted_defect_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were an operator's retry sent again by itself, as clients of Redis do it, a job could be retried twice."""
    sent_once = HarmedStore.call

    def call(self: HarmedStore, function: str, queue: str, *args: Arg, resend: bool = False) -> Reply:
        return sent_once(self, function, queue, *args, resend=resend or function == "retry_job")

    (point, *_) = [point for point, what in calls_of(stage).items() if what.endswith("retry_job")]
    monkeypatch.setattr(HarmedStore, "call", call)

    assert "I8: one event id for two records of dead-1" in stage.run(Plan({point: Harm.RESET}))


@pytest.mark.slow
def test_one_harm_to_each_call_of_each_part_violates_nothing(
    stage: Stage, explore_seed: int, say_at_the_end: Say
) -> None:
    dice = random.Random(explore_seed)  # noqa: S311 - chooses faults, guards nothing
    schedules = ({point: dice.choice(list(Harm))} for point in calls_of(stage))

    explore(stage, schedules, say_at_the_end, f"each call harmed in one way (seed {explore_seed})")


@pytest.mark.explore
def test_every_harm_to_every_call_of_every_part_violates_nothing(stage: Stage, say_at_the_end: Say) -> None:
    schedules = ({point: harm} for point in calls_of(stage) for harm in Harm)

    explore(stage, schedules, say_at_the_end, "each call harmed in each way")


@pytest.mark.explore
def test_two_harms_in_one_run_violate_nothing(
    stage: Stage, explore_seed: int, pytestconfig: pytest.Config, say_at_the_end: Say
) -> None:
    dice = random.Random(explore_seed)  # noqa: S311 - chooses faults, guards nothing
    points, pairs = list(calls_of(stage)), range(pytestconfig.getoption("--crash-pairs"))
    schedules = ({point: dice.choice(list(Harm)) for point in dice.sample(points, 2)} for _ in pairs)

    explore(stage, schedules, say_at_the_end, f"pairs of harms (seed {explore_seed})")

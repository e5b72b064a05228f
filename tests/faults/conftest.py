"""Fixtures of the fault tests, their seed, and the table they end in."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.support.arena import Arena
from faults.support.ledger import Ledger
from faults.support.report import Row, table
from faults.support.stack_arena import StackArena
from fixtures.stack import RunningStack, a_stack
from fixtures.valkey import ValkeyServer
from queue_engine.engine import QueueEngine
from support.page_marks import put_between
from support.tokens import Authority

ROOT = Path(__file__).parents[2]
ROWS = pytest.StashKey[list[Row]]()
SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    faults = parser.getgroup("faults")
    faults.addoption("--fault-seed", type=int, help="what every choice of the fault tests follows from")
    faults.addoption("--fault-table", action="store_true", help="write the table into the documentation")
    faults.addoption("--soak-seconds", type=float, default=60.0, help="how long the soak goes on")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    seed = config.getoption("--fault-seed", None)
    config.stash[SEED] = random.SystemRandom().randrange(10**6) if seed is None else seed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows, seed = config.stash[ROWS], config.stash[SEED]
    if not rows:
        return
    text = table(rows, seed)
    terminalreporter.section("faults")
    terminalreporter.write_line(text)
    if config.getoption("--fault-table", default=False) and not terminalreporter.stats.get("failed"):
        (ROOT / "docs" / "reliability-table.md").write_text(f"# What the faults did\n\n{text}\n")
        put_between(ROOT / "README.md", "fault table", text)


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> list[Row]:
    """The table so far; add to it."""
    return request.config.stash[ROWS]


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Of this run."""
    return request.config.stash[SEED]


@pytest.fixture
def dice(seed: int) -> random.Random:
    """Every choice of a test comes from here."""
    return random.Random(seed)  # noqa: S311 - chooses faults, guards nothing


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """The test's own."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    yield ledger
    ledger.close()


@pytest.fixture
def arena(valkey_server: ValkeyServer, tmp_path: Path, rows: list[Row], seed: int) -> Iterator[Arena]:
    """A store of the test's own with a ledger; workers are started by the test."""
    engine = QueueEngine.connect(valkey_server.url, timeout_seconds=2)
    made = Arena(
        url=valkey_server.url,
        folder=tmp_path,
        ledger=Ledger(tmp_path / "arena.jsonl"),
        engine=engine,
        authority=Authority(),
        rows=rows,
        seed=seed,
    )
    yield made
    made.close()


@pytest.fixture(scope="session")
def fault_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A whole stack for the tests that hurt it and heal it again."""
    with a_stack(tmp_path_factory.mktemp("fault-stack"), WORKER_LEASE_MS="2000") as running:
        yield running


@pytest.fixture
def stack_arena(fault_stack: RunningStack, ledger: Ledger, rows: list[Row], seed: int) -> Iterator[StackArena]:
    """The fault stack with a ledger of the test's own."""
    made = StackArena(fault_stack, ledger, rows, seed, mark=f"t{uuid.uuid4().hex[:6]}")
    yield made
    made.close()


@pytest.fixture
def own_stack_arena(own_stack: RunningStack, ledger: Ledger, rows: list[Row], seed: int) -> Iterator[StackArena]:
    """A stack that is not used again."""
    made = StackArena(own_stack, ledger, rows, seed, mark=f"t{uuid.uuid4().hex[:6]}")
    yield made
    made.close()

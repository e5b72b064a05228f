"""F13, F14: PostgreSQL or the audit service is away while operators act and backends enqueue."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from faults.support.load import Backend, hand_over
from faults.support.stack_arena import FAR_MS, StackArena
from support.waiting import wait_until

ACTIONS = 30
MOST_TIMES_SLOWER, NO_DELAY_SECONDS = (
    3.0,
    0.05,
)  # of the median, on a machine that others use too; a timeout takes seconds
FAULTS = {
    "F13": ("PostgreSQL killed among operators' actions", "postgres", "kill"),
    "F14": ("audit service killed", "audit", "kill"),
    "F14 (frozen)": ("audit service frozen (SIGSTOP)", "audit", "freeze"),
}


def hurt(arena: StackArena, process: str, how: str) -> Callable[[], None]:
    """Take a process away; what is returned brings it back."""
    pid = arena.stack.stack.supervisor[process].pid
    assert pid is not None
    if how == "freeze":
        os.kill(pid, signal.SIGSTOP)
        return lambda: os.kill(pid, signal.SIGCONT)
    arena.stack.kill(process)
    return lambda: arena.stack.start(process)


def quantile(backend: Backend, first: int, share: float) -> float:
    """Of the seconds that its enqueues took, from the `first` on."""
    seconds = sorted(backend.seconds[first:])
    return seconds[int(len(seconds) * share)]


@pytest.mark.parametrize(
    "fault", ["F13", *(pytest.param(name, marks=pytest.mark.long_fault) for name in ("F14", "F14 (frozen)"))]
)
def test_what_operators_did_while_the_audit_log_was_away_is_in_it_once_and_in_order(
    stack_arena: StackArena, fault: str
) -> None:
    words, process, how = FAULTS[fault]
    ops, delayed = stack_arena.client(), stack_arena.notify(delay=FAR_MS)
    ids = [f"{stack_arena.mark}-acted-{number:02}" for number in range(ACTIONS)]
    for job_id in ids:
        hand_over(stack_arena.ledger, delayed, job_id)
    backend = stack_arena.backend("load")
    wait_until(lambda: len(backend.accepted) > 20, within=20)
    undisturbed = len(backend.accepted)
    heal: Callable[[], None] = lambda: None  # noqa: E731 - replaced at the fault
    for number, job_id in enumerate(ids):
        if number == ACTIONS // 3:
            before, usual = quantile(backend, 0, 0.95), quantile(backend, 0, 0.5)
            stack_arena.ledger.write("fault", what=words)
            heal = hurt(stack_arena, process, how)
        assert stack_arena.act(ops, job_id, "cancel") == "acked"
        assert stack_arena.act(ops, job_id, "remove" if number % 2 else "retry") == "acked"
    wait_until(lambda: len(backend.accepted) > undisturbed + 30, within=30)
    during, usual_then = quantile(backend, undisturbed, 0.95), quantile(backend, undisturbed, 0.5)
    backend.stop()
    heal()
    healed = time.monotonic()

    def all_recorded() -> bool:
        return len(stack_arena.audited()) >= 2 * ACTIONS

    wait_until(all_recorded, within=90, every=0.3)
    recovery = time.monotonic() - healed
    stack_arena.come_to_rest(within=90, far_ones=True)
    order: dict[str, list[str]] = {}
    for action, job_id in stack_arena.audited():
        order.setdefault(job_id, []).append(action)
    stack_arena.verdict(
        fault,
        words,
        recovery=[recovery],
        within=60,
        note=f"{2 * ACTIONS} actions, each in the audit log once; enqueue p95 {before * 1000:.0f} ms before, "
        f"{during * 1000:.0f} ms during",
    )
    assert usual_then <= max(MOST_TIMES_SLOWER * usual, NO_DELAY_SECONDS)
    assert all(order[job_id] == ["cancel", "remove" if n % 2 else "retry"] for n, job_id in enumerate(ids))
    assert ops.get("/jobs/audit/verify").json()["intact"] is True
    wait_until(lambda: stack_arena.health() == "ok", within=30)

"""Enqueues to a primary that no replica follows any more, which is then killed: what is lost, and what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from faults.support.arena import Arena
from faults.support.checker import lost_ids
from faults.support.load import Refused, Unknown
from faults.support.report import Row

ENQUEUES = 50


def lose_the_cut_off(arena: Arena, fault: str, *, min_replicas: int, fail_over: Callable[[], None]) -> None:
    """Adds the row; fails unless all were refused and none is lost, or with `min_replicas` 0 all are lost."""
    answers = Counter(_answer(arena, f"job-{number}") for number in range(ENQUEUES))
    killed = arena.fault("kill -9 of a primary whose replica was cut off")
    fail_over()
    arena.engine.check_store()
    took = arena.fault("the replica took over") - killed
    lost = lost_ids(arena.history(), arena.snapshot())
    arena.rows.append(
        Row(
            fault=f"{fault}, cut off, min-replicas {min_replicas}",
            words=f"kill -9 of a primary whose replica was cut off for the last {ENQUEUES} enqueues",
            jobs=len(arena.history().acked),
            lost=len(lost),
            repeated_effects=0,
            most_runs=0,
            recovery=f"{took:.1f} s",
            seed=arena.seed,
            note=f"{answers['acked']} accepted, {answers['refused']} refused in time",
        )
    )
    assert (answers["refused"], len(lost)) == ((ENQUEUES, 0) if min_replicas else (0, ENQUEUES))


def _answer(arena: Arena, job_id: str) -> str:
    """Ask once and note the answer."""
    arena.ledger.write("enqueue", job_id, phase="invoked")
    try:
        created = arena.submit()(job_id)
    except (Refused, Unknown) as problem:
        arena.ledger.write("enqueue", job_id, phase="refused", why=str(problem))
        return "refused"
    arena.ledger.write("enqueue", job_id, phase="acked", created=created)
    return "acked"

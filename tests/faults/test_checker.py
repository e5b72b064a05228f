"""The checker finds what is wrong: each invariant is violated on purpose and its offender named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from copy import deepcopy

import pytest

from faults.support.checker import check, lost_ids, recovered_in_time
from faults.support.history import Act, History, Run
from faults.support.ledger import Ledger
from faults.support.snapshot import Snapshot, StoredJob

Damage = Callable[[History, Snapshot], object]


def sound() -> tuple[History, Snapshot]:
    """Three jobs as they should be: one completed, one that lost a lease and completed, one cancelled."""
    history, ids = History(), ("a", "b", "c")
    for number, job_id in enumerate(ids):
        history.invoked[job_id] = history.acked[job_id] = float(number)
    history.runs["a"] = [Run(1, 10, 5.0, 6.0, "returned")]
    history.runs["b"] = [Run(2, 10, 5.0), Run(3, 11, 7.0, 8.0, "returned")]
    history.effects.update(("a", "b"))
    history.acts.append(Act("cancel", "c", "acked", 4.0, "cancelled"))
    store = Snapshot(
        jobs={"a": StoredJob("completed", 1), "b": StoredJob("completed", 2, lost=1), "c": StoredJob("failed")},
        indexes={"completed": {"a", "b"}, "failed": {"c"}, "cancelled": {"c"}},
        totals={"added": 3, "completed": 2, "lost": 1},
    )
    return history, store


def forget(_: History, store: Snapshot) -> None:
    del store.jobs["a"]
    store.indexes["completed"].remove("a")
    store.totals["pruned"] = 1


def run_again(job_id: str, token: int, began_at: float = 9.0) -> Damage:
    return lambda history, _: history.runs[job_id].append(Run(token, 12, began_at, began_at + 1, "returned"))


PLANTED: dict[str, tuple[str, str, Damage]] = {
    "a job in two states": ("I1", "a", lambda _, store: store.indexes.update(waiting={"a"})),
    "a job in no index": ("I1", "a", lambda _, store: store.indexes["completed"].discard("a")),
    "an accepted job gone": ("I2", "a", forget),
    "a run nobody asked for": ("I3", "x", lambda h, _: h.runs["x"].append(Run(9, 10, 5.0, 6.0, "returned"))),
    "a run after its cancel": ("I3", "c", run_again("c", 9)),
    "a repeat without a lost lease": ("I4", "a", run_again("a", 9)),
    "a second effect": ("I4", "b", lambda history, _: history.effects.update("b")),
    "a completion without its effect": ("I4", "a", lambda history, _: history.effects.pop("a")),
    "two runs at once": ("I5", "a", run_again("a", 9, 5.5)),
    "a falling token": ("I6", "b", run_again("b", 1)),
    "one token for two jobs": ("I6", "a", lambda h, _: h.runs.update(a=[dataclasses.replace(h.runs["a"][0], token=3)])),
    "an index entry without a job": ("I7", "ghost", lambda _, store: store.indexes["completed"].add("ghost")),
    "a job in the index of another state": ("I7", "a", lambda _, store: setattr(store.jobs["a"], "state", "waiting")),
    "a failed job of no kind": ("I7", "c", lambda _, store: store.indexes["cancelled"].clear()),
    "records of a job that is gone": ("I7", "old", lambda _, store: store.leftovers.add("old")),
    "more added than asked for": ("I10", "balance", lambda _, store: store.totals.update(added=4)),
    "more completed than returned": ("I10", "completed", lambda _, store: store.totals.update(completed=3)),
}


def test_a_sound_run_has_no_violations() -> None:
    history, store = sound()

    assert check(history, store, audited=[("cancel", "c")]) == []
    assert lost_ids(history, store) == set()


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_violation_is_found_and_its_offender_named(planted: str) -> None:
    invariant, offender, damage = PLANTED[planted]
    history, store = deepcopy(sound())
    damage(history, store)

    found = check(history, store)

    assert offender in {job_id for violation in found if violation.invariant == invariant for job_id in violation.ids}


def test_a_run_after_a_cancel_is_no_violation_when_a_retry_may_have_come_between() -> None:
    history, store = sound()
    run_again("c", 9)(history, store)
    history.effects.update("c")
    history.acts.append(Act("retry", "c", "acked", 9.5, since=8.5))

    assert "I3" not in {violation.invariant for violation in check(history, store)}


@pytest.mark.parametrize("audited", [[], [("cancel", "c")] * 2, [("cancel", "c"), ("remove", "a")]])
def test_a_missing_a_repeated_and_an_invented_audit_record_are_found(audited: list[tuple[str, str]]) -> None:
    history, store = sound()

    assert [violation.invariant for violation in check(history, store, audited=audited)] == ["I8"]


def test_a_pruned_job_and_a_removed_one_are_not_lost() -> None:
    history, store = sound()
    forget(history, store)
    store.remembered["a"] = "completed"

    assert lost_ids(history, store) == set()

    del store.remembered["a"]
    history.acts.append(Act("remove", "a", "acked", 9.0))

    assert lost_ids(history, store) == set()


def test_a_late_recovery_is_found() -> None:
    assert recovered_in_time([1.0, 2.0], within=2.0) == []
    assert [violation.ids for violation in recovered_in_time([1.0, 2.5], within=2.0)] == [("2.5 s",)]


def test_the_ledger_gives_back_what_was_written(ledger: Ledger) -> None:
    ledger.write("enqueue", "a", phase="invoked")
    ledger.write("enqueue", "a", phase="unknown")
    ledger.write("enqueue", "a", phase="acked", created=True)
    ledger.write("begin", "a", token=1)
    ledger.write("end", "a", token=1, how="returned")

    history = History.of(ledger)

    assert (list(history.acked), history.unknown["a"], history.created) == (["a"], 1, {"a"})
    assert [(run.token, run.how) for run in history.runs["a"]] == [(1, "returned")]


def test_an_effect_is_had_once_per_idempotency_key(ledger: Ledger) -> None:
    assert ledger.apply_effect("q:a", "a", 1)
    assert not ledger.apply_effect("q:a", "a", 2)
    assert ledger.apply_effect("another key of the same job", "a", 3)

    assert History.of(ledger).effects["a"] == 2

"""The invariants of the queue, computed from the outside ledger and the store at rest; each names who offends.

I1 conservation · I2 nothing lost · I3 nothing unexpected · I4 repeats only after lost leases, effects once ·
I5 one live lease per job · I6 tokens rise · I7 no orphans · I8 actions and audit records agree · I9 recovery in time ·
I10 counters agree with the ledger. I9 needs a bound per fault and is asked for separately.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from faults.support.history import History, Run
from faults.support.snapshot import STATE_INDEXES, SUB_INDEXES, Snapshot

AUDITED_VERBS = frozenset({"retry", "remove", "cancel", "pause", "resume", "replace"})


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant, what is wrong, and with whom."""

    invariant: str
    words: str
    ids: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.ids[:10]) + (f" and {len(self.ids) - 10} more" if len(self.ids) > 10 else "")
        return f"{self.invariant}: {self.words}: {shown}"


Found = Iterator[tuple[str, Iterable[str]]]
Rule = Callable[[History, Snapshot], Found]


def check(history: History, store: Snapshot, *, audited: Sequence[tuple[str, str]] | None = None) -> list[Violation]:
    """All violations. `audited` are (action, job id) of the audit log's rows, where one ran; else I8 is left out."""
    found = [
        Violation(name, words, tuple(sorted(set(ids))))
        for name, rule in RULES.items()
        for words, ids in rule(history, store)
    ]
    if audited is not None:
        found += [Violation("I8", words, tuple(ids)) for words, ids in audit_agrees(history, audited)]
    return [violation for violation in found if violation.ids]


def lost_ids(history: History, store: Snapshot) -> set[str]:
    """Acknowledged, and neither in the store nor remembered by it nor removed by somebody."""
    removed = {act.job_id for act in history.acts if act.verb == "remove" and act.phase != "refused"}
    there = set(store.jobs) | set(store.remembered)
    return {job_id for job_id in history.acked if job_id not in there and job_id not in removed}


def conserved(history: History, store: Snapshot) -> Found:
    """I1: a job of the store is in the index of its state and in no other."""
    known = set(history.acked) & set(store.jobs)
    yield "in no index", (job_id for job_id in known if not store.states_of(job_id))
    yield "in several indexes", (job_id for job_id in known if len(store.states_of(job_id)) > 1)


def nothing_lost(history: History, store: Snapshot) -> Found:
    """I2."""
    yield "accepted and gone", lost_ids(history, store)


def nothing_unexpected(history: History, store: Snapshot) -> Found:
    """I3: nothing runs that nobody asked for, nor after its cancel was confirmed."""
    yield "ran and was never asked for", (job_id for job_id in history.runs if job_id not in history.invoked)
    for job_id, runs in history.runs.items():
        cancels = [act for act in history.acts_on(job_id, "cancel") if act.outcome == "cancelled"]
        retries = history.may_have_acted(job_id, "retry")
        for cancel in cancels:
            again = min((retry.since for retry in retries if retry.at > cancel.since), default=float("inf"))
            if any(cancel.at < run.began_at < again for run in runs):
                yield "began after its cancel was confirmed", [job_id]


def repeats_bounded(history: History, store: Snapshot) -> Found:
    """I4: a job runs again only when it was told to or when a lease was lost; its effect is had once."""
    spare = {job_id: _unexplained(history, job_id, runs) for job_id, runs in history.runs.items()}
    yield (
        "ran more often than its lost leases explain",
        (
            job_id
            for job_id, extra in spare.items()
            if extra > (store.jobs[job_id].lost if job_id in store.jobs else store.totals.get("lost", 0))
        ),
    )
    if sum(max(extra, 0) for extra in spare.values()) > store.totals.get("lost", 0):
        yield "ran more often in all than leases were lost", (job_id for job_id, extra in spare.items() if extra > 0)
    yield "its effect was had twice", (job_id for job_id, times in history.effects.items() if times > 1)
    if history.runs:
        completed = {i for i, job in store.jobs.items() if job.state == "completed"} & set(history.runs)
        yield "completed without its effect", (job_id for job_id in completed if not history.effects[job_id])


def _unexplained(history: History, job_id: str, runs: Sequence[Run]) -> int:
    told = sum(bool(run.how) and run.how != "returned" for run in runs) + len(history.may_have_acted(job_id, "retry"))
    return len(runs) - 1 - told


def one_lease_at_a_time(history: History, store: Snapshot) -> Found:
    """I5: two runs of a job at once only where the first had lost its lease."""
    for job_id, runs in history.runs.items():
        ordered = sorted(runs, key=lambda run: run.began_at)
        overlaps = sum(
            first.ended_at is not None and first.ended_at > second.began_at for first, second in pairwise(ordered)
        )
        losses = store.jobs[job_id].lost if job_id in store.jobs else store.totals.get("lost", 0)
        if overlaps > losses:
            yield "ran twice at once", [job_id]


def tokens_rise(history: History, store: Snapshot) -> Found:
    """I6: a later run carries a higher token, and no token is used twice."""
    for job_id, runs in history.runs.items():
        tokens = [run.token for run in sorted(runs, key=lambda run: run.began_at)]
        if tokens != sorted(set(tokens)):
            yield "tokens do not rise", [job_id]
    used = Counter(run.token for runs in history.runs.values() for run in runs)
    yield (
        "a token given twice",
        (job_id for job_id, runs in history.runs.items() if any(used[run.token] > 1 for run in runs)),
    )


def no_orphans(history: History, store: Snapshot) -> Found:
    """I7: indexes and jobs agree in both directions; nothing is left of what is gone."""
    for index in (*STATE_INDEXES, *SUB_INDEXES):
        members = store.indexes.get(index, set())
        yield f"in {index} without a job", members - set(store.jobs)
    for index, state in STATE_INDEXES.items():
        there = store.indexes.get(index, set()) & set(store.jobs)
        yield f"in {index} in another state", (job_id for job_id in there if store.jobs[job_id].state != state)
    yield "in no index", (job_id for job_id in store.jobs if not store.states_of(job_id))
    ended_badly = set().union(*(store.indexes.get(index, set()) for index in SUB_INDEXES))
    yield "failed and neither dead nor cancelled", ended_badly ^ store.indexes.get("failed", set())
    yield "gone but not its records", store.leftovers


def audit_agrees(history: History, audited: Sequence[tuple[str, str]]) -> Found:
    """I8: each acknowledged action has exactly one record; one of unknown outcome at most one."""
    rows = Counter(audited)
    acked = Counter((act.verb, act.job_id) for act in history.acts if act.phase == "acked")
    unknown = Counter((act.verb, act.job_id) for act in history.acts if act.phase == "unknown")
    ours = {key for key in acked | unknown | rows if key[0] in AUDITED_VERBS}
    yield (
        "done and not recorded",
        [f"{verb} {job_id}" for verb, job_id in ours if rows[verb, job_id] < acked[verb, job_id]],
    )
    yield (
        "recorded more often than done",
        [
            f"{verb} {job_id}"
            for verb, job_id in ours
            if rows[verb, job_id] > acked[verb, job_id] + unknown[verb, job_id]
        ],
    )


def counters_agree(history: History, store: Snapshot) -> Found:
    """I10: the store's counters are those of the ledger, and its equation balances."""
    totals = store.totals
    if not totals:
        return
    added, asked = totals.get("added", 0), len(history.invoked)
    if not len(history.acked) <= added <= asked and not history.acts:
        yield f"added is {added}, {len(history.acked)} were acknowledged and {asked} asked for", ["added"]
    there = sum(len(store.indexes.get(index, ())) for index in STATE_INDEXES)
    if added != there + totals.get("removed", 0) + totals.get("pruned", 0):
        yield f"{added} added are not the {there} there and those gone", ["balance"]
    returned = sum(run.how == "returned" for runs in history.runs.values() for run in runs)
    if history.runs and totals.get("completed", 0) > returned:
        yield f"{totals['completed']} completed, {returned} returned", ["completed"]


def recovered_in_time(delays: Sequence[float], *, within: float) -> list[Violation]:
    """I9: no delay is longer than `within` seconds."""
    late = tuple(f"{delay:.1f} s" for delay in delays if delay > within)
    return [Violation("I9", f"recovery took longer than {within:.1f} s", late)] if late else []


TOLD_BY_THE_STORE = frozenset(
    {"ran more often than its lost leases explain", "ran more often in all than leases were lost", "ran twice at once"}
)
"""What cannot be judged of a store that forgot its last answers: which leases it gave and took back."""

RULES: dict[str, Rule] = {
    "I1": conserved,
    "I2": nothing_lost,
    "I3": nothing_unexpected,
    "I4": repeats_bounded,
    "I5": one_lease_at_a_time,
    "I6": tokens_rise,
    "I7": no_orphans,
    "I10": counters_agree,
}

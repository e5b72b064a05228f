"""The ledger read back: who asked for what and what came of it, per job."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from faults.support.ledger import Ledger

DONE_OR_UNKNOWN = ("acked", "unknown")


@dataclass(slots=True)
class Run:
    """One execution; without an end when its process died in it."""

    token: int
    pid: int
    began_at: float
    ended_at: float | None = None
    how: str = ""
    """`returned`, or the name of what ended it."""


@dataclass(frozen=True, slots=True)
class Act:
    """An operator's action; `phase` is invoked, acked, refused or unknown."""

    verb: str
    job_id: str
    phase: str
    at: float
    outcome: str = ""
    since: float = 0.0
    """When it was asked for: its effect came between this and `at`."""


@dataclass(slots=True)
class History:
    """All events by what they mean."""

    invoked: dict[str, float] = field(default_factory=dict)
    acked: dict[str, float] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    """Acknowledged as new by some answer; others were known when they were asked for again."""
    refused: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    runs: dict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    acts: list[Act] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, float]] = field(default_factory=list)
    _asked: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    @classmethod
    def of(cls, ledger: Ledger) -> History:
        """Read a whole ledger."""
        history = cls(effects=Counter(job_id for job_id, _ in ledger.effects_had()))
        for event in ledger.events():
            history._take(event)
        return history

    def acts_on(self, job_id: str, verb: str) -> list[Act]:
        """Acknowledged actions of one kind on one job, in order."""
        return [act for act in self.acts if (act.verb, act.job_id, act.phase) == (verb, job_id, "acked")]

    def may_have_acted(self, job_id: str, verb: str) -> list[Act]:
        """As acts_on, and those whose outcome nobody learnt."""
        return [act for act in self.acts if (act.verb, act.job_id) == (verb, job_id) and act.phase in DONE_OR_UNKNOWN]

    def most_runs(self) -> int:
        """Of any job."""
        return max((len(runs) for runs in self.runs.values()), default=0)

    def _take(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "enqueue":
                self._take_enqueue(event)
            case "begin":
                self.runs[event["id"]].append(Run(event["token"], event["pid"], event["at"]))
            case "end":
                self._take_end(event)
            case "act":
                self.acts.append(self._act(event))
            case "effect":
                self.effects[event["id"]] += 1
            case "fault":
                self.faults.append((event["what"], event["at"]))

    def _act(self, event: dict[str, Any]) -> Act:
        """With its time of asking; the earliest one, when several ask for the same at once."""
        verb, job_id, phase, at = event["verb"], event["id"], event["phase"], event["at"]
        asked = self._asked[verb, job_id]
        if phase == "invoked":
            asked.append(at)
        since = event.get("since") or (asked[0] if asked else at)
        if phase != "invoked" and asked:
            asked.popleft()
        return Act(verb, job_id, phase, at, event.get("outcome", ""), since)

    def _take_end(self, event: dict[str, Any]) -> None:
        for run in self.runs[event["id"]]:
            if run.token == event["token"]:
                run.ended_at, run.how = event["at"], event["how"]

    def _take_enqueue(self, event: dict[str, Any]) -> None:
        job_id = event["id"]
        match event["phase"]:
            case "invoked":
                self.invoked.setdefault(job_id, event["at"])
            case "acked":
                self.acked.setdefault(job_id, event["at"])
                if event.get("created"):
                    self.created.add(job_id)
            case "refused":
                self.refused[job_id] += 1
            case _:
                self.unknown[job_id] += 1

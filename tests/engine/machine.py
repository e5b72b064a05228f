"""Random histories on the real store, judged step by step by the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from engine.agreement import assert_agree
from engine.builders import QUEUE, an_action, assert_consistent
from engine.machine_workers import HOUR, SECOND, WorkersMachine, choices
from queue_engine.domain.bulk import JobFilter
from queue_engine.domain.errors import JobNotFound, WrongState
from queue_engine.domain.job import DEAD_LETTER_QUEUE, JobState

LOOK_AT_KEYS_EVERY = 4  # it takes as long as a step; what is wrong among the keys stays wrong
PROVE_EVERY = 20
ALLOWED = {
    "retry": {JobState.FAILED},
    "remove": set(JobState) - {JobState.ACTIVE},
    "cancel": {JobState.WAITING, JobState.DELAYED, JobState.ACTIVE},
}
reasons = st.sampled_from(["", "off"])


class QueueMachine(WorkersMachine):
    """Does to a queue whatever can be done to it; after each step store and model agree."""

    # -- people

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices, reason=reasons)
    def cancel(self, choice: int, reason: str) -> None:
        job_id = self.a_job_id(choice)
        outcome = said_of(lambda: self.engine.cancel_job(QUEUE, job_id, action=an_action(reason)))
        assert outcome == self.model.cancel(job_id, reason)

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices, ms=st.sampled_from([None, -1, 0, SECOND, SECOND, HOUR]))
    def reschedule(self, choice: int, ms: int | None) -> None:
        job_id, due = self.a_job_id(choice), None if ms is None else self.model.now + ms
        outcome = said_of(lambda: self.engine.reschedule_job(QUEUE, job_id, due_at_ms=due, action=an_action()))
        expected = self.model.reschedule(job_id, due)
        assert outcome == {"changed": True, "unchanged": False}.get(expected, expected)

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices, data=st.sampled_from([None, b'"x"', b'"z"']))
    def retry(self, choice: int, data: bytes | None) -> None:
        job_id = self.a_job_id(choice)
        outcome = said_of(lambda: self.engine.retry_job(QUEUE, job_id, action=an_action(), data=data))
        assert outcome == (None if self.model.retry(job_id, data) else "refused")

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices)
    def remove(self, choice: int) -> None:
        job_id = self.a_job_id(choice)
        outcome = said_of(lambda: self.engine.remove_job(QUEUE, job_id, action=an_action()))
        assert outcome == (None if self.model.remove(job_id) else "refused")

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices, verb=st.sampled_from(["retry", "remove"]))
    def act_through_the_dead_letter_view(self, choice: int, verb: str) -> None:
        job_id = self.a_job_id(choice)
        method = self.engine.retry_job if verb == "retry" else self.engine.remove_job
        outcome = said_of(lambda: method(DEAD_LETTER_QUEUE, f"{QUEUE}:{job_id}", action=an_action()))
        dead = self.model.is_dead(job_id)
        assert outcome == (None if dead else "not found")
        if dead:
            (self.model.retry if verb == "retry" else self.model.remove)(job_id)

    @rule(
        verb=st.sampled_from(["retry", "remove", "cancel"]),
        state=st.sampled_from(list(JobState)),
        picked=st.none() | st.lists(st.integers(0, 7), max_size=4),
        limit=st.integers(1, 3),
        flags=st.tuples(st.booleans(), st.booleans()),
    )
    def act_on_many(
        self, verb: str, state: JobState, picked: list[int] | None, limit: int, flags: tuple[bool, bool]
    ) -> None:
        assume(state in ALLOWED[verb])
        dead_only, dry_run = flags[0] and state is JobState.FAILED, flags[1]
        ids = None if picked is None else tuple(f"job-{number}" for number in picked)
        which = JobFilter(state=state, ids=ids, dead_only=dead_only, limit=limit)

        answer = getattr(self.engine, f"{verb}_jobs")(QUEUE, which, action=an_action(), dry_run=dry_run)

        there = [job_id for job_id in self.model.in_state(state) if not dead_only or self.model.is_dead(job_id)]
        if verb == "cancel":
            there = [job_id for job_id in there if self.model.may_cancel(job_id)]
        asked = there if ids is None else list(dict.fromkeys(ids))
        meant = [job_id for job_id in asked if job_id in there][:limit]
        assert (answer.matched, answer.done) == (len(meant), 0 if dry_run else len(meant))
        assert {job_id for job_id, _ in answer.skipped} == (set(asked) - set(meant) if ids is not None else set())
        for job_id in meant if not dry_run else ():
            self.do(verb, job_id)

    def do(self, verb: str, job_id: str) -> None:
        if verb == "cancel":
            assert self.model.cancel(job_id, "") != "refused"
        else:
            assert self.model.retry(job_id) if verb == "retry" else self.model.remove(job_id)

    @rule(paused=st.booleans())
    def pause_or_resume(self, *, paused: bool) -> None:
        method = self.engine.pause_queue if paused else self.engine.resume_queue
        assert method(QUEUE, action=an_action()) == self.model.pause(paused=paused)

    def a_job_id(self, choice: int) -> str:
        return sorted(self.model.jobs)[choice % len(self.model.jobs)]

    # -- what holds after every step

    @invariant()
    def store_and_model_agree(self) -> None:
        if hasattr(self, "model"):
            type(self).steps += 1
            assert_agree(self.engine, self.model)
            if self.steps % LOOK_AT_KEYS_EVERY == 0:
                assert_consistent(self.client)
                assert self.tombstones() == set(self.model.graves)
            if self.steps % PROVE_EVERY == 0:
                assert self.engine.reconciling.reconcile_queue(QUEUE).findings == ()

    @invariant()
    def a_worker_is_woken_while_there_is_something_to_take(self) -> None:
        if not hasattr(self, "model") or self.model.paused:
            return
        waiting, suspects, trials, mark = (
            self.client.exists(f"jobs:{{{QUEUE}}}:{key}") for key in ("waiting", "suspects", "trials", "mark")
        )
        # While a suspect runs, its worker may have taken the marker of the next one in vain.
        assert mark or not (waiting or (suspects and not trials))


def said_of(action: Callable[[], Any]) -> Any:
    """What an action returned, or the word for its refusal."""
    try:
        return action()
    except WrongState:
        return "refused"
    except JobNotFound:
        return "not found"

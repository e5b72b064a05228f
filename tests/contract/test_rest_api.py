"""Each case of the contract through REST and through gRPC, on the real services, with the same result.

A case that changes something is given a job of its own for each face, prepared alike; the two ids and all times are
masked before the answers are compared.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import httpx
import pytest

from fixtures.stack import RunningStack
from support.rest_cases import acting, enqueueing, reading, scheduling
from support.rest_cases.case import ADMIN, NOBODY, OPS, SERVICE, TENANT, Case
from support.two_faces import AUDIT, METHODS, QUEUE_ADMIN, Outcome, masked, over_grpc, over_rest

CASES = [*enqueueing.CASES, *reading.CASES, *acting.CASES, *scheduling.CASES]
CHANGES = {
    "EnqueueJob", "EnqueueJobs", "RetryJob", "RemoveJob", "CancelJob", "RescheduleJob", "RemoveJobs", "CancelJobs",
    "UpsertSchedule", "PauseSchedule", "ResumeSchedule", "RemoveSchedule", "RunScheduleNow",
}  # fmt: skip


@pytest.fixture(scope="module")
def tokens(stack: RunningStack) -> dict[str, str | None]:
    return {NOBODY: None, **{email: stack.token(email) for email in (OPS, ADMIN, SERVICE, TENANT)}}


@pytest.fixture(scope="module")
def channels(stack: RunningStack) -> Iterator[dict[str, grpc.Channel]]:
    with (
        grpc.insecure_channel(stack.queue_admin_address) as queue_admin,
        grpc.insecure_channel(stack.audit_address) as audit,
    ):
        yield {QUEUE_ADMIN.full_name: queue_admin, AUDIT.full_name: audit}


@dataclass(frozen=True, slots=True)
class Faces:
    """Both ways in."""

    stack: RunningStack
    channels: dict[str, grpc.Channel]
    tokens: dict[str, str | None]

    def client(self, email: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.tokens[email]}"} if self.tokens[email] else {}
        return httpx.Client(base_url=self.stack.url, headers=headers, timeout=10)

    def both(self, case: Case) -> tuple[Outcome, Outcome]:
        """Prepare and make the call over REST, then over gRPC."""
        rest_job = f"case-{uuid.uuid4().hex}"
        grpc_job = f"case-{uuid.uuid4().hex}" if case.method in CHANGES else rest_job
        with self.client(case.prepared_by) as preparing, self.client(case.by) as client:
            for job in dict.fromkeys((rest_job, grpc_job)):
                case.prepare(preparing, job)
            rest = over_rest(client, *case.rest(rest_job))
        grpc_ = over_grpc(self.channels, case.method, case.request(grpc_job), self.tokens[case.by])
        return comparable(rest, rest_job, case), comparable(grpc_, grpc_job, case)


def comparable(outcome: Outcome, job: str, case: Case) -> Outcome:
    if case.loose:
        return Outcome(outcome.code)
    fields = tuple((name, masked(problem, job)) for name, problem in outcome.fields)
    return Outcome(outcome.code, masked(outcome.answer, job, numbers=case.numbers), fields, outcome.retry_after)


@pytest.fixture
def faces(stack: RunningStack, channels: dict[str, grpc.Channel], tokens: dict[str, str | None]) -> Faces:
    return Faces(stack, channels, tokens)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rest_and_grpc_have_the_same_result(faces: Faces, case: Case) -> None:
    rest, grpc_ = faces.both(case)
    if rest != grpc_ and case.method not in CHANGES:
        rest, grpc_ = faces.both(case)  # counts of a living system may have moved between the two reads

    assert rest == grpc_
    assert rest.code == case.code


def test_there_is_a_case_for_each_public_method() -> None:
    assert {case.method for case in CASES} == {method.name for method in METHODS.values() if method.public}

"""Doing something to many jobs: first a dry run that names how many, then the deed, batch by batch."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.responses import Response

from api_gateway.dashboard import formatting, links, wording
from api_gateway.dashboard.actions import reason_of, refusal
from api_gateway.dashboard.forms import Form
from api_gateway.dashboard.job_page import JOB_ID
from api_gateway.dashboard.job_rows import NUMBERS
from api_gateway.dashboard.site import Visit
from api_gateway.dashboard.toasts import Toast
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

BATCH = 1_000
MOST_BATCHES = 50
LONGEST_SECONDS = 20.0
DRY = "dry run"
Request = queue_admin.RetryJobsRequest | queue_admin.RemoveJobsRequest | queue_admin.CancelJobsRequest
KINDS: dict[str, type[Request]] = {
    "retry": queue_admin.RetryJobsRequest,
    "remove": queue_admin.RemoveJobsRequest,
    "cancel": queue_admin.CancelJobsRequest,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which jobs are meant: these ids, or all that match the list's filter as it was when the person asked."""

    queue: str
    status: str
    ids: tuple[str, ...] = ()
    group: str = ""
    as_of_ms: int = 0

    @classmethod
    def of(cls, queue: str, form: Form) -> Selection:
        """What a form means; raises ServiceError INVALID_REQUEST."""
        status = form.text("status")
        ids = tuple(job_id for job_id in form.all("ids") if JOB_ID.fullmatch(job_id))
        everything = form.has("all")
        if status not in NUMBERS or not (ids or everything):
            raise ServiceError("INVALID_REQUEST", "no jobs are selected")
        as_of = form.text("asOf")
        now_ms = round(time.time() * 1_000)
        as_of_ms = int(as_of) if as_of.isdecimal() and len(as_of) < 15 else now_ms  # noqa: PLR2004 - digits of a time
        return cls(queue, status, () if everything else ids[:BATCH], form.text("group") if everything else "", as_of_ms)

    def request(self, action: str, reason: str, *, dry_run: bool) -> Request:
        """The call for the next batch."""
        found = KINDS[action](
            queue=self.queue, status=NUMBERS[self.status], ids=self.ids, reason=reason, dry_run=dry_run
        )
        if self.group and not isinstance(found, queue_admin.CancelJobsRequest):
            found.group = self.group
        if not self.ids:  # what came after the question is not meant
            finished = self.status in ("failed", "completed")
            setattr(found, "finished_before" if finished else "accepted_before", self.as_of_ms)
        return found


@dataclass(slots=True)
class Tally:
    """How it went so far."""

    matched: int = 0
    done: int = 0
    skipped: list[str] = field(default_factory=list)
    unfinished: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Why the rest was left alone, the most frequent reason first."""
        reasons = Counter(self.skipped).most_common()
        notes = [f"{formatting.count(times, 'job')}: {why}" for why, times in reasons]
        return (*notes, "There are more; do it again to go on.") if self.unfinished else tuple(notes)


async def bulk_action(visit: Visit) -> Response:
    """Ask with what a dry run found; do it once that was answered."""
    queue, action = visit.request.path_params["queue"], visit.request.path_params["action"]
    if action not in wording.BULK_ACTIONS:
        raise HTTPException(404, "there is no such action")
    form = await visit.form()
    back = links.local(form.text("next"), links.queue(queue, status=form.text("status")))
    try:
        selection = Selection.of(queue, form)
        if not form.has("confirmed"):
            return await _ask(visit, selection, action, back)
        tally = await _carry_out(visit, selection, action, reason_of(form))
    except ServiceError as error:
        if error.reason == "UNAUTHENTICATED":
            raise
        return visit.go(back, Toast(refusal("the selection", error), good=False))
    left = len(tally.skipped)
    return visit.go(back, Toast(wording.bulk_outcome(action, tally.done, left), good=tally.done > 0, notes=tally.notes))


async def _ask(visit: Visit, selection: Selection, action: str, back: str) -> Response:
    answer = await visit.call(selection.request(action, DRY, dry_run=True))
    tally = Tally(answer.matched, answer.done, [skipped.why for skipped in answer.skipped])
    at_least = not selection.ids and answer.matched >= BATCH
    return visit.page(
        "bulk_action.html",
        selection=selection,
        action=action,
        wording=wording.BULK_ACTIONS[action],
        tally=tally,
        at_least=at_least,
        back=back,
    )


async def _carry_out(visit: Visit, selection: Selection, action: str, reason: str) -> Tally:
    if not reason:
        raise ServiceError("INVALID_REQUEST", "a reason is needed for what is done to many jobs")
    tally = Tally()
    until = time.monotonic() + LONGEST_SECONDS
    for _ in range(MOST_BATCHES):
        answer = await visit.call(selection.request(action, reason, dry_run=False))
        tally.matched += answer.matched
        tally.done += answer.done
        tally.skipped += [skipped.why for skipped in answer.skipped]
        tally.unfinished = not selection.ids and answer.matched >= BATCH and answer.done > 0
        if not tally.unfinished or time.monotonic() > until:
            break
    return tally

"""What people do: retry, remove, cancel, pause; one job or many by filter. Every change records its action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from queue_engine.domain.audit import Action
from queue_engine.domain.bulk import CANCELLING, BulkResult, JobFilter
from queue_engine.domain.errors import InvalidArgument, JobNotFound, WrongState
from queue_engine.domain.job import DEAD_LETTER_QUEUE, JobState
from queue_engine.domain.limits import MAX_DUE_MS, check_queue_name, check_range, read_json
from queue_engine.reading import Reading, locate
from queue_engine.store import decode
from queue_engine.store.encode import action_args, encode_id
from queue_engine.store.redis_store import Arg, RedisStore

MAX_BULK = 1_000
_LOOK_STEP = 500
_CHANGE_STEP = 100
"""Jobs changed per call: keeps each call under about 5 ms."""

_CANCELLABLE = (JobState.WAITING, JobState.DELAYED, JobState.ACTIVE)


class Acting:
    """See the methods of the same names of QueueEngine."""

    def __init__(self, store: RedisStore, reading: Reading) -> None:
        self._store = store
        self._reading = reading

    def retry_job(self, queue: str, job_id: str, *, action: Action, data: bytes | None) -> None:
        """Through the dead-letter view too."""
        if data is not None:
            read_json("data", data)
        self._act("retry_job", queue, job_id, action, "retried", data or b"", _expected(queue))

    def remove_job(self, queue: str, job_id: str, *, action: Action) -> None:
        """Through the dead-letter view too."""
        self._act("remove_job", queue, job_id, action, "removed", _expected(queue))

    def cancel_job(self, queue: str, job_id: str, *, action: Action) -> str:
        """A dead letter has nothing left to cancel: QueueReserved."""
        check_queue_name(queue)
        outcome: bytes = self._act("cancel_job", queue, job_id, action, "cancelled")[1]
        return outcome.decode()

    def reschedule_job(self, queue: str, job_id: str, *, due_at_ms: int | None, action: Action) -> bool:
        """Whether it changed. A dead letter has nothing to come due: QueueReserved."""
        check_queue_name(queue)
        check_range("due_at_ms", due_at_ms or 0, 0, MAX_DUE_MS)
        due: Arg = "" if due_at_ms is None else due_at_ms
        return bool(self._act("reschedule_job", queue, job_id, action, "rescheduled", due)[1] == b"CHANGED")

    def pause_queue(self, queue: str, *, action: Action) -> bool:
        """Whether it changed."""
        check_queue_name(queue)
        return bool(self._store.call("pause_queue", queue, *action_args(action))[1] == b"CHANGED")

    def resume_queue(self, queue: str, *, action: Action) -> bool:
        """Whether it changed."""
        check_queue_name(queue)
        return bool(self._store.call("resume_queue", queue, *action_args(action))[1] == b"CHANGED")

    def record_action(self, queue: str, *, action: Action, verb: str, job_id: str, detail: str) -> None:
        """A repeated event id is told apart by whoever reads the records."""
        check_queue_name(queue)
        self._store.call("record_action", queue, *action_args(action), verb, job_id, detail)

    def cancel_jobs(self, queue: str, which: JobFilter, *, action: Action, dry_run: bool) -> BulkResult:
        """Dead letters have nothing left to cancel: QueueReserved."""
        check_queue_name(queue)
        if which.state not in _CANCELLABLE:
            raise InvalidArgument("state", f"must be one of {', '.join(_CANCELLABLE)}")
        meant = replace(which, uncancelled=True)
        return self.change_jobs("cancel_jobs", queue, meant, action=action, dry_run=dry_run)

    def change_jobs(self, verb: str, queue: str, which: JobFilter, *, action: Action, dry_run: bool) -> BulkResult:
        """`verb`: retry_jobs, remove_jobs or cancel_jobs. Matches first, then changes in steps; each step is atomic."""
        check_range("limit", which.limit, 1, MAX_BULK)
        which.check_group()
        if queue == DEAD_LETTER_QUEUE:
            return self._change_dead(verb, which, action=action, dry_run=dry_run)
        check_queue_name(queue)
        ids, missing = self._match(queue, which)
        if dry_run:
            return BulkResult(len(ids), 0, tuple(missing))
        done, skipped = 0, missing
        for step in _steps(ids, _CHANGE_STEP):
            seen = "dead" if which.dead_only else which.state.value
            encoded = (encode_id(job_id) for job_id in step)
            reply = self._store.call(verb, queue, *action_args(action), seen, *encoded)
            for job_id, word, state in zip(step, reply[1::2], reply[2::2], strict=True):
                if word == b"OK":
                    done += 1
                else:
                    skipped.append((job_id, _why(word, state)))
        return BulkResult(len(ids), done, tuple(skipped))

    def _change_dead(self, verb: str, which: JobFilter, *, action: Action, dry_run: bool) -> BulkResult:
        """The filter over all queues' dead jobs; ids are entry ids."""
        if which.state is not JobState.FAILED:
            raise InvalidArgument("status", "must be failed for dead-letter")
        homes = self._reading.list_queues()
        matched, done = 0, 0
        skipped = [(entry, "job not found") for entry in which.ids or () if entry.partition(":")[0] not in homes]
        for home in homes:
            here = _narrowed(which, home, which.limit - matched)
            if here is None:
                continue
            if here.limit < 1:
                skipped += [(f"{home}:{job_id}", "over the limit") for job_id in here.ids or ()]
                continue
            # Two queues may hold jobs of one id: their records must not share an event id.
            own = replace(action, event_id=f"{action.event_id}:{home}")
            result = self.change_jobs(verb, home, here, action=own, dry_run=dry_run)
            matched, done = matched + result.matched, done + result.done
            skipped += [(f"{home}:{job_id}", why) for job_id, why in result.skipped]
        return BulkResult(matched, done, tuple(skipped))

    def _match(self, queue: str, which: JobFilter) -> tuple[list[str], list[tuple[str, str]]]:
        """Ids that meet the filter, and the given ids that do not with the reason."""
        if which.ids is None:
            return list(self._search(queue, which)), []
        if len(which.ids) > MAX_BULK:
            raise InvalidArgument("ids", f"must be at most {MAX_BULK}")
        ids: list[str] = []
        skipped: list[tuple[str, str]] = []
        for step in _steps(list(dict.fromkeys(which.ids)), _LOOK_STEP):
            reply = self._store.call("get_jobs", queue, *(encode_id(job_id) for job_id in step), resend=True)
            found = {job.job_id: job for job in (decode.job(queue, one) for one in reply[1:])}
            for job_id in step:
                why = which.mismatch(found.get(job_id))
                if why is None and len(ids) < which.limit:
                    ids.append(job_id)
                else:
                    skipped.append((job_id, why or "over the limit"))
        return ids, skipped

    def _search(self, queue: str, which: JobFilter) -> list[str]:
        if which.is_empty:
            return []
        bounds = (which.finished_after_ms, which.finished_before_ms, which.accepted_before_ms)
        args: list[Arg] = [which.name or "", which.error_contains or ""]
        args += ["" if bound is None else bound for bound in bounds]
        args.append("1" if which.uncancelled else "")
        ids: dict[str, None] = {}
        rank = 0
        while len(ids) < which.limit:
            _, looked, *found = self._store.call(
                "match_jobs", queue, which.index, rank, _LOOK_STEP, *args, "", resend=True
            )
            ids.update(dict.fromkeys(decode.decode_id(job_id) for job_id in found))
            rank += looked
            if looked < _LOOK_STEP:
                break
        return list(ids)[: which.limit]

    def _act(self, function: str, queue: str, job_id: str, action: Action, verb: str, *more: Arg) -> list[bytes]:
        home, own_id = locate(queue, job_id)
        reply = self._store.call(function, home, *action_args(action), own_id, *more)
        if reply[0] == b"NOT_FOUND" or (reply[0] == b"WRONG_STATE" and home != queue):
            raise JobNotFound(queue, job_id)  # the view holds dead jobs only
        if reply[0] == b"WRONG_STATE":
            raise WrongState(job_id, reply[1].decode(), verb)
        return reply


def _expected(queue: str) -> str:
    """What a job must still be when it is acted on: through the dead-letter view only a dead one."""
    return "dead" if queue == DEAD_LETTER_QUEUE else ""


def _why(word: bytes, state: bytes) -> str:
    """Why a job that was meant was left alone."""
    return {b"NOT_FOUND": "job not found", b"CANCELLING": CANCELLING}.get(word, f"is {state.decode()}")


def _steps(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), size):
        yield ids[first : first + size]


def _narrowed(which: JobFilter, home: str, limit: int) -> JobFilter | None:
    """The filter for one queue's part of the dead-letter view; None when no id of that queue is meant."""
    ids = which.ids
    if ids is not None:
        ids = tuple(entry.removeprefix(f"{home}:") for entry in ids if entry.startswith(f"{home}:"))
        if not ids:
            return None
    return replace(which, ids=ids, dead_only=True, limit=limit)

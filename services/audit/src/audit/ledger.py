"""The hash chain, without I/O: what a record's hash covers, how records are linked, and how a chain is checked.

A record's hash is SHA-256 over its predecessor's hash (32 bytes, zeros before the first) and then, in this order, the
format's name `job-audit-1`, id, event_id, queue, job_id, action, actor_user_id, issuer, token_id, reason, detail,
created_at_ms and recorded_at_ms; each as UTF-8 text (numbers in decimal) in netstring form `<bytes>:<text>,`. The
length in front makes it impossible to move a character from one field to the next. Ids run 1, 2, 3 without a hole.
A record that names the request it came by has the format `job-audit-2`: the same, and request_id at the end.

So a record that was changed, taken out, put in or moved no longer fits, and neither does any after it, unless the whole
rest of the chain is computed anew. Neither that nor cutting off the newest records can be seen from the table alone:
both need a head (id and hash) that was kept: progress.py keeps the furthest that ever fitted. For one kept elsewhere,
the service logs it at each append, and VerifyChain answers it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

FORMAT, FORMAT_WITH_REQUEST = "job-audit-1", "job-audit-2"
BEFORE_THE_FIRST = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """One action as it is reported. Empty text means that there is none."""

    event_id: str
    queue: str
    job_id: str
    action: str
    actor_user_id: str
    issuer: str
    token_id: str
    reason: str
    detail: str
    created_at_ms: int
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """One action as it is kept."""

    id: int
    recorded_at_ms: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain."""

    id: int
    hash: bytes


EMPTY = Head(0, BEFORE_THE_FIRST)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found: how many records fit, the first that does not, and the newest of those that fit."""

    checked: int
    broken_at: int | None
    head: Head

    @property
    def intact(self) -> bool:
        """Every record fits."""
        return self.broken_at is None


class EntryConflict(Exception):
    """An event id is known with other content."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"event {event_id} is on record with other content")
        self.event_id = event_id


def hash_of(entry: NewEntry, *, previous: bytes, id_: int, recorded_at_ms: int) -> bytes:
    """The 32 bytes that link `entry` to its predecessor."""
    e = entry
    who = (e.event_id, e.queue, e.job_id, e.action, e.actor_user_id, e.issuer, e.token_id, e.reason, e.detail)
    kind, request = (FORMAT_WITH_REQUEST, (e.request_id,)) if e.request_id else (FORMAT, ())
    texts = (kind, str(id_), *who, str(e.created_at_ms), str(recorded_at_ms), *request)
    encoded = (text.encode() for text in texts)
    return hashlib.sha256(previous + b"".join(b"%d:%b," % (len(text), text) for text in encoded)).digest()


def link(entries: Iterable[NewEntry], head: Head, *, recorded_at_ms: int) -> Iterator[Entry]:
    """Put `entries` behind `head`, in order."""
    for entry in entries:
        id_ = head.id + 1
        digest = hash_of(entry, previous=head.hash, id_=id_, recorded_at_ms=recorded_at_ms)
        yield Entry(**content(entry), id=id_, recorded_at_ms=recorded_at_ms, hash=digest)
        head = Head(id_, digest)


def unknown(entries: Sequence[NewEntry], known: Iterable[NewEntry]) -> list[NewEntry]:
    """Those of `entries` not on record, each once; raises EntryConflict for an event id with other content."""
    contents = {entry.event_id: content(entry) for entry in known}
    new = []
    for entry in entries:
        if entry.event_id not in contents:
            contents[entry.event_id] = content(entry)
            new.append(entry)
        elif contents[entry.event_id] != content(entry):
            raise EntryConflict(entry.event_id)
    return new


def verify(chain: Iterable[Entry], *, start: Head = EMPTY, witness: Head = EMPTY) -> Verification:
    """Recompute the chain behind `start`; stops at the first record that does not fit, or is not the `witness`."""
    head = start
    for entry in chain:
        expected = hash_of(entry, previous=head.hash, id_=head.id + 1, recorded_at_ms=entry.recorded_at_ms)
        is_other = entry.id == witness.id and entry.hash != witness.hash
        if entry.id != head.id + 1 or entry.hash != expected or is_other:
            return Verification(head.id, entry.id, head)
        head = Head(entry.id, entry.hash)
    return Verification(head.id, None, head)


_CONTENT = tuple(field.name for field in fields(NewEntry))


def content(entry: NewEntry) -> dict[str, Any]:
    """What was reported, without what was added when it was recorded."""
    return {name: getattr(entry, name) for name in _CONTENT}

"""Erasing a subject: which payload fields name one, how texts may write it, and what became of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from queue_engine.domain.errors import InvalidArgument

SUBJECT_MARK = "x-subject"
"""True in a property of a job type's schema: the field names the person that the job is about."""

MAX_SUBJECT_CHARS = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_ID_CHARACTER = re.compile(r"[^A-Za-z0-9._:-]")

LEFT = {
    "active": "is running: erase again when it has ended",
    "id": "its id names the subject: remove it",
    "data": "its data name the subject in a field that is not marked: remove it, or keep it for a reason",
    "schedule": "is a schedule whose data name the subject: change or remove it",
}
"""Why something is left, by the function's word for it."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One stretch of an erasure. `next` tells where to go on, None at the end.

    `removed` jobs were about the subject; `redacted` ones spoke of it. `left` is (id, why), for people to decide. A dry
    run says what would be.
    """

    removed: int
    redacted: int
    left: tuple[tuple[str, str], ...]
    looked_at: int
    next: str | None


def subject_fields(schema: Mapping[str, Any]) -> list[str]:
    """The payload fields that a schema marks, also where they may be null."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return []
    return [name for name, field in properties.items() if _is_marked(field)]


def forms_of(subject: str) -> list[str]:
    """The ways in which payloads, ids and texts may write it: plain, in JSON of several makes, as part of an id."""
    quoted, ascii_only = (json.dumps(subject, ensure_ascii=ascii_)[1:-1] for ascii_ in (False, True))
    as_id = _NO_ID_CHARACTER.sub("_", subject)
    forms = [subject, quoted, quoted.replace("/", "\\/"), ascii_only]
    if re.search(r"\w", as_id.replace("_", "")):
        forms.append(as_id)
    return list(dict.fromkeys(forms))


def check_erasure(subject: str, reason: str) -> None:
    """Raise InvalidArgument for a subject that cannot be looked for, or a reason that would keep it for ever."""
    if not subject.strip() or len(subject) > MAX_SUBJECT_CHARS or _CONTROL.search(subject):
        raise InvalidArgument("subject", f"must be a text of 1 to {MAX_SUBJECT_CHARS} characters in one line")
    if subject.casefold() in reason.casefold():
        raise InvalidArgument("reason", "must not name the subject: the audit log keeps it; name the request instead")


def _is_marked(field: Any) -> bool:
    if not isinstance(field, dict):
        return False
    if field.get(SUBJECT_MARK) is True:
        return field.get("type") == "string"
    return any(_is_marked(one) for one in field.get("anyOf") or ())

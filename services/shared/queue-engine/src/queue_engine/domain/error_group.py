"""Failed jobs grouped by the way in which they failed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from queue_engine.domain.errors import InvalidArgument

_GROUP_ID = re.compile(r"[cd][0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failed jobs of one type, error class and normalised first line. Dead and cancelled jobs never share a group.

    `group_id` follows from these, so that a group has the same one in every queue. `line` holds placeholders such as
    <number>, <hex>, <uuid> and <text>. Times are those of the jobs that are in the group now.
    """

    group_id: str
    name: str
    error_class: str
    line: str
    count: int
    first_seen_ms: int
    last_seen_ms: int

    @property
    def dead(self) -> bool:
        """Its jobs are dead; cancelled otherwise."""
        return holds_dead(self.group_id)


@dataclass(frozen=True, slots=True)
class ErrorGroups:
    """The largest groups of a queue, and how many there are in all."""

    groups: tuple[ErrorGroup, ...]
    total: int


def check_group_id(group_id: str) -> None:
    """Raise InvalidArgument for what cannot be the id of a group."""
    if not _GROUP_ID.fullmatch(group_id):
        raise InvalidArgument("group", f"must match {_GROUP_ID.pattern}")


def holds_dead(group_id: str) -> bool:
    """Whether a group's jobs are dead: its id tells."""
    return group_id.startswith("d")

"""How far the chain was verified, without I/O.

A *pass* begins at the first record. When it has reached the chain's end it is whole, and from then on follows the chain
as it grows, until the next pass begins. The *witness* is the furthest record at which a pass stood at the end: later
passes must meet it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from audit.ledger import EMPTY, Head, Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`place`: the newest record that fits in this pass. Times are ms by the database's clock, None for never."""

    place: Head = EMPTY
    began_at_ms: int = 0
    whole: bool = False
    whole_at_ms: int | None = None
    witness: Head = EMPTY
    witness_at_ms: int | None = None
    broken_at: int | None = None
    broken_since_ms: int | None = None

    @property
    def intact(self) -> bool:
        """Nothing was found that does not fit."""
        return self.broken_at is None

    def again(self, now_ms: int) -> Progress:
        """At the beginning of the next pass; what was found so far stays known until it has been looked at again."""
        return replace(self, place=EMPTY, began_at_ms=now_ms, whole=False)

    def after(self, found: Verification, *, end: int, now_ms: int) -> Progress:
        """When the records behind the place were verified, in a chain that ended with the record `end`."""
        broken_at = found.broken_at
        at_end = broken_at is None and found.head.id >= end
        if at_end and found.head.id < self.witness.id:
            broken_at, at_end = found.head.id + 1, False  # the newest records were cut off
        if broken_at is not None:
            since = now_ms if self.broken_since_ms is None else self.broken_since_ms
            return replace(self, place=found.head, broken_at=broken_at, broken_since_ms=since)
        if not at_end:
            return replace(self, place=found.head)
        return replace(
            self,
            place=found.head,
            whole=True,
            whole_at_ms=self.whole_at_ms if self.whole else now_ms,
            witness=found.head,
            witness_at_ms=now_ms,
            broken_at=None,
            broken_since_ms=None,
        )

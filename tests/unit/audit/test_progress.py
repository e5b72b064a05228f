from __future__ import annotations

from dataclasses import replace

from audit.ledger import EMPTY, Head, Verification
from audit.progress import Progress

HASH = b"h" * 32


def up_to(id_: int, *, broken_at: int | None = None) -> Verification:
    return Verification(id_, broken_at, Head(id_, HASH) if id_ else EMPTY)


def test_a_pass_is_whole_once_it_has_reached_the_end() -> None:
    begun = Progress(began_at_ms=1)

    half = begun.after(up_to(50), end=100, now_ms=10)
    whole = half.after(up_to(100), end=100, now_ms=20)

    assert (half.whole, half.place.id, half.witness) == (False, 50, EMPTY)
    assert (whole.whole, whole.whole_at_ms, whole.witness.id, whole.witness_at_ms) == (True, 20, 100, 20)


def test_a_whole_pass_follows_the_chain_as_it_grows() -> None:
    whole = Progress(began_at_ms=1).after(up_to(100), end=100, now_ms=20)

    later = whole.after(up_to(103), end=103, now_ms=30)

    assert (later.whole_at_ms, later.witness.id, later.witness_at_ms) == (20, 103, 30)


def test_the_next_pass_begins_at_the_first_record_and_keeps_what_is_known() -> None:
    whole = Progress(began_at_ms=1).after(up_to(100), end=100, now_ms=20)

    again = whole.again(40)

    assert (again.place, again.began_at_ms, again.whole) == (EMPTY, 40, False)
    assert (again.witness.id, again.witness_at_ms, again.whole_at_ms) == (100, 20, 20)


def test_a_chain_that_ends_before_what_was_verified_is_broken_there() -> None:
    whole = Progress(began_at_ms=1).after(up_to(100), end=100, now_ms=20)

    found = whole.again(40).after(up_to(90), end=90, now_ms=50)

    assert (found.broken_at, found.broken_since_ms, found.witness.id) == (91, 50, 100)


def test_what_is_broken_stays_so_since_it_was_found_until_a_pass_gets_by() -> None:
    broken = Progress(began_at_ms=1).after(up_to(4, broken_at=5), end=9, now_ms=20)

    still = broken.after(up_to(4, broken_at=5), end=9, now_ms=30)
    half = still.after(up_to(7), end=9, now_ms=40)
    whole = half.after(up_to(9), end=9, now_ms=50)

    assert (still.broken_at, still.broken_since_ms, still.intact) == (5, 20, False)
    assert not half.intact
    assert replace(whole, whole_at_ms=None).intact
    assert whole.broken_since_ms is None

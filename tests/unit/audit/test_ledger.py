from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.ledger import (
    BEFORE_THE_FIRST,
    EMPTY,
    Entry,
    EntryConflict,
    Head,
    NewEntry,
    content,
    hash_of,
    link,
    unknown,
    verify,
)

TEXT = st.text(max_size=12)
TIMES = st.integers(-(2**63), 2**63 - 1)
ENTRIES = st.builds(
    NewEntry,
    event_id=TEXT,
    queue=TEXT,
    job_id=TEXT,
    action=TEXT,
    actor_user_id=TEXT,
    issuer=TEXT,
    token_id=TEXT,
    reason=TEXT,
    detail=TEXT,
    created_at_ms=TIMES,
    request_id=TEXT,
)
CHAINS = st.lists(ENTRIES, min_size=1, max_size=8).map(lambda entries: list(link(entries, EMPTY, recorded_at_ms=7)))
FIELDS = (
    "event_id",
    "queue",
    "job_id",
    "action",
    "actor_user_id",
    "issuer",
    "token_id",
    "reason",
    "detail",
    "request_id",
)


def an_entry(**fields: Any) -> NewEntry:
    usual: dict[str, Any] = dict.fromkeys(FIELDS, "x")
    return NewEntry(**{**usual, "created_at_ms": 1, **fields})


def test_the_hash_covers_what_its_description_says() -> None:
    entry = an_entry(event_id="e-1", reason="größer", detail="{}", created_at_ms=1_790_000_000_000, request_id="")

    digest = hash_of(entry, previous=BEFORE_THE_FIRST, id_=1, recorded_at_ms=42)

    text = "11:job-audit-1,1:1,3:e-1,1:x,1:x,1:x,1:x,1:x,1:x,8:größer,2:{},13:1790000000000,2:42,"
    assert digest == hashlib.sha256(bytes(32) + text.encode()).digest()


def test_the_hash_covers_the_request_of_a_record_that_names_one_and_of_others_stays_what_it_was() -> None:
    entry = an_entry(event_id="e-1", detail="{}", request_id="r-7")

    digest = hash_of(entry, previous=BEFORE_THE_FIRST, id_=1, recorded_at_ms=42)

    text = "11:job-audit-2,1:1,3:e-1,1:x,1:x,1:x,1:x,1:x,1:x,1:x,2:{},1:1,2:42,3:r-7,"
    assert digest == hashlib.sha256(bytes(32) + text.encode()).digest()


@given(CHAINS)
def test_linked_records_are_intact_numbered_without_holes_and_end_in_the_head(chain: list[Entry]) -> None:
    found = verify(chain)

    assert found.intact
    assert [entry.id for entry in chain] == list(range(1, len(chain) + 1))
    assert found.head == Head(chain[-1].id, chain[-1].hash)
    assert found.checked == len(chain)


@given(st.lists(ENTRIES, max_size=6), st.integers(0, 6))
def test_records_linked_in_two_calls_are_the_chain_of_one(entries: list[NewEntry], cut: int) -> None:
    first = list(link(entries[:cut], EMPTY, recorded_at_ms=7))
    head = Head(first[-1].id, first[-1].hash) if first else EMPTY

    assert first + list(link(entries[cut:], head, recorded_at_ms=7)) == list(link(entries, EMPTY, recorded_at_ms=7))


@given(CHAINS, st.data())
def test_any_changed_field_is_found_at_its_record(chain: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from((*FIELDS, "created_at_ms", "recorded_at_ms")))
    before = getattr(chain[index], name)
    after = data.draw((TIMES if isinstance(before, int) else TEXT).filter(lambda value: value != before))

    changes: dict[str, Any] = {name: after}
    chain[index] = replace(chain[index], **changes)

    assert verify(chain).broken_at == index + 1


@given(CHAINS, st.data())
def test_text_moved_from_one_field_to_its_neighbour_is_found(chain: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(chain) - 1))
    left = data.draw(st.integers(0, len(FIELDS) - 2))
    a, b = FIELDS[left], FIELDS[left + 1]
    record = chain[index]
    joined = getattr(record, a) + getattr(record, b)
    cut = data.draw(
        st.integers(0, len(joined)).filter(lambda cut: cut != len(getattr(record, a))) if joined else st.none()
    )
    if cut is not None:
        chain[index] = replace(record, **{a: joined[:cut], b: joined[cut:]})

        assert verify(chain).broken_at == index + 1


@given(CHAINS.filter(lambda chain: len(chain) > 1), st.data())
def test_a_record_taken_out_is_found_at_its_successor(chain: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(chain) - 2))

    del chain[index]

    assert verify(chain).broken_at == index + 2


@given(CHAINS.filter(lambda chain: len(chain) > 1), st.data())
def test_a_record_taken_out_is_found_even_if_the_rest_is_renumbered(chain: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(chain) - 2))

    del chain[index]
    renumbered = [replace(entry, id=number) for number, entry in enumerate(chain, 1)]

    assert verify(renumbered).broken_at == index + 1


@given(CHAINS.filter(lambda chain: len(chain) > 1), st.data())
def test_two_records_that_swapped_places_are_found(chain: list[Entry], data: st.DataObject) -> None:
    i, j = sorted(data.draw(st.lists(st.integers(0, len(chain) - 1), min_size=2, max_size=2, unique=True)))

    chain[i], chain[j] = replace(chain[j], id=i + 1), replace(chain[i], id=j + 1)

    assert verify(chain).broken_at == i + 1


@given(CHAINS, st.integers(1, 8))
def test_cutting_off_the_newest_changes_only_the_head(chain: list[Entry], cut: int) -> None:
    whole, rest = verify(chain), verify(chain[:-cut])

    assert rest.intact
    assert rest.head != whole.head


@given(CHAINS, st.data())
def test_a_chain_verified_in_two_looks_is_the_chain_of_one(chain: list[Entry], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(chain)))

    first = verify(chain[:cut])

    assert verify(chain[cut:], start=first.head, witness=Head(chain[-1].id, chain[-1].hash)) == verify(chain)


@given(CHAINS, st.data())
def test_a_record_that_was_another_before_is_found_though_its_chain_fits(
    chain: list[Entry], data: st.DataObject
) -> None:
    other = data.draw(st.integers(1, len(chain)))

    assert verify(chain, witness=Head(other, bytes(32))).broken_at == other


def test_an_empty_chain_is_intact() -> None:
    found = verify([])

    assert (found.intact, found.checked, found.head) == (True, 0, EMPTY)


def test_known_records_are_left_out_in_order() -> None:
    a, b, c = (an_entry(event_id=name) for name in "abc")

    assert unknown([a, b, c, a], [b]) == [a, c]


def test_a_kept_record_counts_as_known_whatever_was_added_to_it() -> None:
    entry = an_entry()
    [kept] = link([entry], EMPTY, recorded_at_ms=9)

    assert unknown([entry], [kept]) == []
    assert content(kept) == content(entry)


@pytest.mark.parametrize("name", [*FIELDS[1:], "created_at_ms"])
def test_a_known_event_with_any_other_content_is_a_conflict(name: str) -> None:
    other = an_entry(**{name: 2 if name == "created_at_ms" else "y"})

    with pytest.raises(EntryConflict, match="event x is on record with other content"):
        unknown([other], [an_entry()])

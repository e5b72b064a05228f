from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.recurrence import MOST_COUNTED, Recurrence

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400_000
BASE = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp()) * 1_000


def at(text: str) -> int:
    """A time in Berlin, ms since the epoch."""
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1_000)


def times(cron: str, after: str, count: int = 3) -> list[str]:
    """The next times in Berlin after one."""
    found = islice(Recurrence(cron, time_zone="Europe/Berlin").after(at(after)), count)
    return [datetime.fromtimestamp(ms / 1_000, BERLIN).isoformat(timespec="minutes") for ms in found]


def test_a_daily_schedule_keeps_its_local_hour_through_the_year() -> None:
    assert times("0 6 * * *", "2026-03-27T12:00") == [
        "2026-03-28T06:00+01:00",
        "2026-03-29T06:00+02:00",
        "2026-03-30T06:00+02:00",
    ]


def test_a_time_in_the_hour_that_summer_time_skips_comes_when_that_hour_is_over() -> None:
    assert times("30 2 * * *", "2026-03-28T12:00", 2) == ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]


def test_a_time_in_the_hour_that_comes_twice_in_autumn_comes_once() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00", 2) == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_asked_in_the_second_of_these_hours_it_does_not_come_again() -> None:
    second = round(datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1).timestamp() * 1_000)

    found = Recurrence("30 2 * * *", time_zone="Europe/Berlin").next_after(second)

    assert found == at("2026-10-26T02:30")


def test_every_half_hour_goes_on_through_both_of_these_hours() -> None:
    assert times("*/30 * * * *", "2026-10-25T01:45", 4) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T02:30+01:00",
    ]


def test_an_interval_is_in_step_with_the_epoch() -> None:
    assert list(islice(Recurrence(interval_ms=900_000).after(BASE + 1), 2)) == [BASE + 900_000, BASE + 1_800_000]


@pytest.mark.parametrize(
    ("recurrence", "words"),
    [
        (Recurrence("0 6 * * *", time_zone="Europe/Berlin"), "At 06:00 every day (Europe/Berlin)"),
        (Recurrence("0 8 * * 1-5"), "At 08:00 on Monday through Friday (UTC)"),
        (Recurrence(interval_ms=900_000), "Every 15 minutes"),
        (Recurrence(interval_ms=3_600_000), "Every hour"),
        (Recurrence(interval_ms=1_500), "Every 1,500 milliseconds"),
    ],
    ids=["daily", "weekdays", "minutes", "one hour", "odd"],
)
def test_it_says_in_words_when_it_runs(recurrence: Recurrence, words: str) -> None:
    assert recurrence.words == words


@pytest.mark.parametrize(
    ("recurrence", "field"),
    [
        (Recurrence(), "cron"),
        (Recurrence("0 6 * * *", 60_000), "cron"),
        (Recurrence("0 6 * *"), "cron"),
        (Recurrence("0 0 6 * * *"), "cron"),
        (Recurrence("0 25 * * *"), "cron"),
        (Recurrence("0 0 30 2 *"), "cron"),
        (Recurrence("* * */20 * 1L"), "cron"),
        (Recurrence("0 6 * * *", time_zone="Mars/Olympus"), "time_zone"),
        (Recurrence("0 6 * * *", time_zone="../../etc/passwd"), "time_zone"),
        (Recurrence(interval_ms=999), "interval_ms"),
        (Recurrence(interval_ms=-60_000), "interval_ms"),
    ],
    ids=repr,
)
def test_what_cannot_be_meant_is_refused_by_its_field(recurrence: Recurrence, field: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        recurrence.check()
    assert refusal.value.field == field


@settings(deadline=None)
@given(st.text(alphabet="0123456789*/,-#LWMONJAFEBlw ?٣²", max_size=20).map(lambda text: f"{text} * * * *"))
def test_no_text_is_worse_than_refused(cron: str) -> None:
    recurrence = Recurrence(cron)
    try:
        recurrence.check()
    except InvalidArgument:
        return
    assert recurrence.next_after(BASE) > BASE
    assert recurrence.words


crons = st.sampled_from(
    [
        "* * * * *",
        "*/7 * * * *",
        "30 2 * * *",
        "0,30 1-3 * * *",
        "0 6 * * 1-5",
        "15 3 29 2 *",
        "0 */5 * * *",
        "5 4 L * *",
    ]
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
intervals = st.integers(60_000, 10 * DAY).map(lambda ms: Recurrence(interval_ms=ms))
recurrences = st.builds(lambda cron, zone: Recurrence(cron, time_zone=zone), crons, zones) | intervals


@settings(deadline=None, max_examples=60)
@given(recurrences, st.integers(0, 400 * DAY), st.integers(0, DAY))
def test_the_latest_time_is_the_last_of_those_that_passed(recurrence: Recurrence, start: int, span: int) -> None:
    due = recurrence.next_after(BASE + start)
    passed = [due, *takewhile(lambda ms: ms <= due + span, recurrence.after(due))]

    assert recurrence.latest(due, due + span) == (passed[-1], min(len(passed) - 1, MOST_COUNTED))


@settings(deadline=None)
@given(recurrences, st.integers(0, 400 * DAY))
def test_times_only_ever_grow(recurrence: Recurrence, start: int) -> None:
    found = [BASE + start, *islice(recurrence.after(BASE + start), 20)]

    assert found == sorted(set(found))

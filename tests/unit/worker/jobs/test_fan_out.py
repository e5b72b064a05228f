from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from support.handling import RecordedQueues, a_context
from worker.jobs.fan_out import notification_id, notify
from worker.platform.contract import Channel, Person

ids = st.from_regex(r"[A-Za-z0-9._:-]{1,200}", fullmatch=True)
people = st.one_of(st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True), st.text(min_size=1, max_size=64))


@given(ids, people, st.sampled_from(Channel))
def test_a_notification_id_is_always_a_job_id(cause: str, person: str, channel: Channel) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,200}", notification_id(cause, person, channel))


@given(ids, st.lists(people, min_size=2, max_size=2, unique=True), st.sampled_from(Channel))
def test_different_people_get_different_ids(cause: str, pair: list[str], channel: Channel) -> None:
    assert notification_id(cause, pair[0], channel) != notification_id(cause, pair[1], channel)


def test_the_id_is_readable_when_there_is_room() -> None:
    assert notification_id("ticket-created-t1", "user-lena", Channel.EMAIL) == "ticket-created-t1-user-lena-email"


def test_a_person_named_twice_is_told_once_by_each_channel() -> None:
    queues = RecordedQueues()
    lena = Person("lena", "Lena", (Channel.EMAIL, Channel.SMS))
    told = notify(
        a_context("ticket.created", "the-job", queues), [lena, lena], subject="s", message="m", ticket_id="t1"
    )

    assert told == ["lena:email", "lena:sms"]
    assert sorted(queues.jobs) == ["the-job-lena-email", "the-job-lena-sms"]

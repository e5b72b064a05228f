"""Erasing a person from the whole system, judged by all that the store and the audit log hold."""

from __future__ import annotations

import uuid

import psycopg
import redis

from fixtures.stack import RunningStack
from support.command_line import CommandLine
from support.waiting import wait_until
from support.whole_store import everything

WHY = ("--reason", "request 4711")
DATA = '{"type": "email", "recipientId": "%s", "subject": "Hello", "message": "Dear %s"}'


def audit_rows(stack: RunningStack) -> str:
    with psycopg.connect(stack.database_url) as connection:
        return repr(connection.execute("SELECT * FROM job_audit").fetchall())


def test_nothing_of_an_erased_person_is_left(admin: CommandLine, stack: RunningStack) -> None:
    person = f"user-{uuid.uuid4().hex}"
    data = DATA % (person, person)
    admin.out("enqueue", "notifications", "send-notification", data, "--id", f"erase-{uuid.uuid4().hex}")
    later = f"erase-{uuid.uuid4().hex}"
    admin.out("enqueue", "notifications", "send-notification", data, "--id", later, "--delay", "3600")
    dead = ("--status", "failed")
    wait_until(lambda: person in admin.out("jobs", "notifications", *dead, "--json"))  # there is no such user

    foreseen = admin.json("erase", person, "--dry-run", *WHY)
    assert {one["queue"]: one["removed"] for one in foreseen} == {"notifications": 2, "tickets": 0}
    assert admin.fails("erase", person, *WHY)[0] == 2  # nobody said yes

    shown = admin.out("erase", person, "--yes", *WHY)

    assert shown.startswith("QUEUE")
    assert admin.fails("show", "notifications", later)[0] == 3
    with redis.Redis.from_url(stack.redis_url) as client:
        wait_until(lambda: person.encode() not in everything(client))  # the enqueues' own records are on their way
    erased = ("audit", "list", "--action", "erase_subject", "--queue", "notifications")
    wait_until(lambda: admin.json(*erased)["pagination"]["total"] >= 1)
    assert later in audit_rows(stack)
    assert person not in audit_rows(stack)


def test_whoever_erases_must_be_an_administrator_and_not_name_the_person(admin: CommandLine, ops: CommandLine) -> None:
    assert ops.fails("erase", "user-x", "--yes", *WHY)[0] == 6
    assert admin.fails("erase", "user-x", "--yes", "--reason", "user-x asked for it")[0] == 2

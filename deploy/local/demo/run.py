"""Runs the working day and compares, line by line, how it had to come out with how it did."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import psycopg

from local.demo.actual import Observer
from local.demo.backend import Backend
from local.demo.day import Names, WorkingDay
from local.demo.expected import EXPECTED
from local.demo.rest import CallFailed, Rest

JOB_TYPES = 8
LONGEST_WAIT_SECONDS = 45.0
CLOCKS_DIFFER_MS = 60_000  # a store or database given by its URL has a clock of its own
POLL_SECONDS, SHOW_SECONDS = 0.25, 2.0


def run(gateway_url: str, sink_url: str, passwords: Mapping[str, str], database_url: str) -> bool:
    """Run it on a stack that is ready; True when all came out as it had to. Problems are said, not raised."""
    say("\nA working day:")
    try:
        with (
            session(gateway_url, "service@local", passwords) as service,
            session(gateway_url, "ops@local", passwords) as ops,
            session(gateway_url, "tenant@local", passwords) as tenant,
            closing(Backend(database_url)) as backend,
        ):
            now_ms = round(time.time() * 1000)
            day = WorkingDay(Names(f"{now_ms:x}"), backend, service=service, ops=ops, say=said_now)
            observer = Observer(day, ops=ops, tenant=tenant, sink_url=sink_url, since_ms=now_ms - CLOCKS_DIFFER_MS)
            wait("the workers to tell what they can run", lambda: JOB_TYPES - len(ops.get("/jobs/types")))
            work(day, observer)
            equal = compare(observer.all_lines())
            say(f"dashboard: {gateway_url}/job-queues")
            return equal
    except (CallFailed, psycopg.Error) as error:
        say(f"demo: {error}")
        return False


def work(day: WorkingDay, observer: Observer) -> None:
    """The day's parts, each once what it builds on has happened."""
    day.morning()
    wait("two notifications to be refused", lambda: 2 - observer.dead_letters())
    day.noon()
    day.afternoon()
    wait("the visits", lambda: observer.to_do("tickets"))
    wait("the notifications", lambda: observer.to_do("notifications"))
    wait("the audit log", lambda: 2 - len(observer.audit_rows()))
    day.evening()


def wait(what: str, missing: Callable[[], int]) -> None:
    """Until nothing is missing, showing how much is; what never comes shows in the comparison."""
    begun = shown = time.monotonic()
    while (left := missing()) > 0 and time.monotonic() < begun + LONGEST_WAIT_SECONDS:
        if time.monotonic() > shown + SHOW_SECONDS:
            said_now(f"  waiting for {what}: {left} to go")
            shown = time.monotonic()
        time.sleep(POLL_SECONDS)


def compare(actual: Mapping[str, object]) -> bool:
    """Print each line with both values; True when all are equal."""
    say(f"\n{'':50}{'expected':>12}{'actual':>14}")
    differing = 0
    for line, expected in EXPECTED.items():
        equal = actual[line] == expected
        differing += not equal
        say(f"{line:50}{expected!s:>12}{actual[line]!s:>14}   {'equal' if equal else 'DIFFERS'}")
    say(
        f"\ndemo: {differing} of {len(EXPECTED)} lines differ"
        if differing
        else f"\ndemo: all {len(EXPECTED)} lines are equal"
    )
    return not differing


@contextmanager
def session(url: str, email: str, passwords: Mapping[str, str]) -> Iterator[Rest]:
    """One user's session."""
    with closing(Rest(url, email=email, password=passwords[email])) as rest:
        yield rest


def said_now(line: str) -> None:
    """A line with the time of day."""
    say(f"  {time.strftime('%H:%M:%S')}  {line}")


def say(line: str) -> None:
    """A line to the person who watches, at once also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

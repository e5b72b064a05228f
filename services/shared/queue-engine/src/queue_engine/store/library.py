"""The function library: built from the Lua files, named by its major version, loaded where it is missing."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files

MAJOR, MINOR = 1, 9
"""Major: a change the previous services could not work with, which gets new function names. Minor: any other."""

OLDEST_BESIDE = MAJOR - 1
"""Services of this major version go on working while this one runs; older ones are refused."""

LIBRARY_NAME = f"jobqueue_v{MAJOR}"
FUNCTION_PREFIX = f"jq{MAJOR}_"

_SHARED = (
    "queue", "batch", "order", "settings", "made", "delivery", "lists", "history", "audit", "groups", "dead",
    "endings", "quarantine", "reap", "promote", "take", "leases", "outcomes", "outcome_completed", "outcome_failed",
    "outcome_deferred", "outcome_released", "outcome_interrupted", "settle", "retention", "exchange", "reopen",
    "cancel", "enqueue", "schedules", "page", "registry", "reconcile", "erase",
)  # fmt: skip
"""Helper files in the order in which they need each other."""

_FLAGS = re.compile(r"^-- Flags: (.*)$", re.MULTILINE)


@cache
def library_version() -> str:
    """`<major>.<minor>+<digest of the source>`."""
    digest = hashlib.blake2b(_body().encode(), digest_size=6).hexdigest()
    return f"{MAJOR}.{MINOR}+{digest}"


@cache
def library_source() -> str:
    """What FUNCTION LOAD gets."""
    return f"#!lua name={LIBRARY_NAME}\nlocal VERSION = '{library_version()}'\n{_body()}"


@cache
def read_only_functions() -> frozenset[str]:
    """Names of the functions that write nothing."""
    found = re.findall(r"function_name = '(\w+)', flags = \{ '([^}]*)' \}", _body())
    return frozenset(name for name, flags in found if "no-writes" in flags)


def is_newer(own: str, stored: str) -> bool:
    """Whether the library `own` replaces `stored` of the same major: a higher minor, or another build of the same."""
    own_release, stored_release = (tuple(int(part) for part in v.split("+")[0].split(".")) for v in (own, stored))
    return own_release > stored_release or (own_release == stored_release and own != stored)


@cache
def _body() -> str:
    folder = files("queue_engine.store") / "functions"
    shared = [(folder / "shared" / f"{name}.lua").read_text("utf-8") for name in _SHARED]
    names = sorted(entry.name.removesuffix(".lua") for entry in folder.iterdir() if entry.name.endswith(".lua"))
    operations = [_registration(name, (folder / f"{name}.lua").read_text("utf-8")) for name in names]
    version = _registration("version", "-- Flags: no-writes\nreturn VERSION\n")
    return "\n".join([*shared, *operations, version])


def _registration(name: str, source: str) -> str:
    found = _FLAGS.search(source)
    if found is None:
        msg = f"{name}.lua has no Flags line"
        raise ValueError(msg)
    flags = "" if found[1] == "none" else f"'{found[1]}'"
    return (
        f"redis.register_function{{ function_name = '{FUNCTION_PREFIX}{name}', flags = {{ {flags} }},\n"
        f"callback = function(KEYS, ARGV)\n{source}end }}\n"
    )

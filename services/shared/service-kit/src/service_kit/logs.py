"""Logs are events: one JSON object a line on standard output, with the request's and the job's ids bound to it."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Protocol, TextIO

import orjson
import structlog

from service_kit import tracing

SECRETS = {
    "eyj": re.compile(r"(?i)eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # a JWT
    "bearer ": re.compile(r"(?i)(?<=bearer )\S+"),
    "://": re.compile(r"(?<=://)[^\s/?#]*:[^\s/?#]*(?=@)"),  # user:password in a URL
    "password=": re.compile(r"(?i)(?<=password=)('[^']*'|[^\s&]+)"),  # a libpq connection string
}
"""By what a text with one has in it, in lower case: to look for that takes a tenth of the time."""
QUIET = ("httpx", "httpcore")  # a line for each request, with its whole URL
SECRET_NAMES = re.compile(r"(?i)(password|secret|token$|authorization|api_?key)")


class Underway(Protocol):
    """Something long that a thread does, as far as its log lines tell."""

    def log_fields(self) -> Mapping[str, Any]:
        """What each line says of it."""


UNDERWAY: ContextVar[Underway | None] = ContextVar("underway", default=None)
"""Asked when a line is written: to bind fields for each job costs more than a job that does nothing."""


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what looks like a token, a password in a URL, or has a secret's name; runs after tracebacks became text.

    A number under such a name stays: the fencing token of a lease is one.
    """
    return {name: _redacted(value, name) for name, value in event.items()}


def _redacted(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return "***" if _is_secrets_name(name) else _without_secrets(value)
    if isinstance(value, bytes):
        return _redacted(value.decode("utf-8", "replace"), name)
    if isinstance(value, Mapping):
        return {str(key): _redacted(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item, name) for item in value]
    return value if isinstance(value, int | float | None) else _without_secrets(str(value))


def _without_secrets(text: str) -> str:
    lower = text.lower()
    for sign, secret in SECRETS.items():
        if sign in lower:
            text = secret.sub("***", text)
    return text


@lru_cache(maxsize=1_000)
def _is_secrets_name(name: str) -> bool:
    return bool(SECRET_NAMES.search(name))


def _to_json(event: Any, **_options: Any) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:  # a lone surrogate, a number over 64 bit: rare, and a log line must never be lost for it
        return json.dumps(event, default=str, ensure_ascii=False).encode("utf-8", "replace").decode()


def _with_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    ids = tracing.ids()
    if ids:
        event["trace_id"], event["span_id"] = ids
    return event


def _with_underway(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    underway = UNDERWAY.get()
    return {**underway.log_fields(), **event} if underway else event


class _Output:
    """Takes rendered lines to where the standard library's handler writes its own, in turns with it; as little as there
    does a full disk or a closed pipe become an error of who wrote the line.
    """

    def __init__(self, handler: logging.StreamHandler[TextIO]) -> None:
        self._handler = handler

    def info(self, line: str) -> None:
        """Write it, of whatever level."""
        self._handler.acquire()
        try:
            self._handler.stream.write(line + "\n")
            self._handler.flush()
        except Exception:  # noqa: BLE001 - as StreamHandler has it
            self._handler.handleError(logging.makeLogRecord({"msg": line}))
        finally:
            self._handler.release()

    debug = warning = error = critical = info


def configure_logging(service: str, version: str, *, level: str = "info") -> None:
    """Send structlog's and the standard library's records through one chain. Called once, from `__main__`.

    Records of structlog do not become the library's on their way, which would take three times as long.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(sys.stdout)

    def about(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"], event["version"] = service, version
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _with_underway,
        _with_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    rendering: list[Any] = [about, redact, structlog.processors.JSONRenderer(serializer=_to_json)]
    output = _Output(handler)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))

"""Kinds of arguments: names that complete themselves, times, JSON."""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from jobsctl.opening import open_gateway
from jobsctl.rest import Gateway, path

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
STATES = click.Choice(["waiting", "active", "delayed", "completed", "failed"])
pass_gateway = click.make_pass_decorator(Gateway)


def _offered(context: click.Context, at: str, name: str, incomplete: str) -> list[CompletionItem]:
    """What the gateway lists, for the shell; nothing when it cannot be asked."""
    try:
        rows = open_gateway(**context.find_root().params).get(at)
    except click.ClickException:
        return []
    return [CompletionItem(row[name]) for row in rows if row[name].startswith(incomplete)]


class QueueName(click.ParamType[str]):
    """A queue, completed from those there are."""

    name = "queue"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - signature of click
        incomplete: str,
    ) -> list[CompletionItem]:
        """Names of queues."""
        return _offered(ctx, path("queues"), "name", incomplete)


class WorkerId(click.ParamType[str]):
    """A worker, completed from those that live."""

    name = "worker"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - signature of click
        incomplete: str,
    ) -> list[CompletionItem]:
        """Ids of workers."""
        return _offered(ctx, path("workers"), "id", incomplete)


class When(click.ParamType[int]):
    """A time as ms since the epoch: ISO 8601, or a distance such as 90s, 30m, 2h, 1d from now."""

    name = "time"

    def __init__(self, *, ahead: bool) -> None:
        self._sign = 1 if ahead else -1

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """A time without a zone is UTC."""
        if found := re.fullmatch(r"(\d{1,6})([smhdw])", str(value)):
            return round((time.time() + self._sign * int(found[1]) * UNITS[found[2]]) * 1_000)
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither like 2026-05-04T17:00:00Z nor like 30m, 2h or 1d", param, ctx)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)


class JsonText(click.ParamType[Any]):
    """A JSON document: as such, `@file`, or `-` for the standard input."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value."""
        try:
            if value == "-":
                value = sys.stdin.read()
            elif str(value).startswith("@"):
                value = Path(str(value)[1:]).read_text()
            return json.loads(value)
        except OSError as error:
            self.fail(f"{value[1:]} cannot be read: {error.strerror}", param, ctx)
        except ValueError as error:
            self.fail(f"this is not JSON: {error}", param, ctx)


QUEUE = QueueName()
WORKER = WorkerId()

"""What is asked before something is done: why, and whether it is really meant."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

MOST_REASON_CHARACTERS = 1_000


def reason_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Why; asked for on a terminal, demanded in a script."""
    return click.option("--reason", callback=_reason, help="Why; goes into the audit log. Asked for when absent.")(
        command
    )


def yes_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """For scripts."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask whether it is meant.")(command)


def dry_run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Look first."""
    return click.option("--dry-run", is_flag=True, help="Only say what would be done.")(command)


def confirm(question: str, *, yes: bool) -> None:
    """Go on only when it is meant. Raises Abort (status 1) for a no, UsageError where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: give --yes, or --dry-run to see what would be done")
    click.confirm(question, abort=True, err=True)


def need_reason(reason: str | None) -> str:
    """The reason given, or asked for. Raises UsageError."""
    if not reason and sys.stdin.isatty():
        reason = click.prompt("Why (goes into the audit log)", err=True)
    if not reason or not reason.strip():
        raise click.UsageError("a --reason is needed: it goes into the audit log")
    if len(reason) > MOST_REASON_CHARACTERS:
        raise click.UsageError(f"a --reason has at most {MOST_REASON_CHARACTERS} characters")
    return reason


def _reason(context: click.Context, _option: click.Parameter, value: str | None) -> str:
    return "" if context.resilient_parsing else need_reason(value)

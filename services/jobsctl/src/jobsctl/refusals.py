"""What can go wrong, and the exit status by which a script can tell."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import click


class Exit(IntEnum):
    """Exit statuses; click itself gives 2 for a wrong command line and 1 when a question is answered with no."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAVAILABLE = 5
    NOT_ALLOWED = 6
    DAMAGED = 7


BY_STATUS = {
    400: Exit.USAGE, 401: Exit.NOT_ALLOWED, 403: Exit.NOT_ALLOWED, 404: Exit.NOT_FOUND, 409: Exit.REFUSED,
    413: Exit.USAGE, 415: Exit.USAGE, 422: Exit.USAGE, 429: Exit.UNAVAILABLE, 502: Exit.UNAVAILABLE,
    503: Exit.UNAVAILABLE, 504: Exit.UNAVAILABLE,
}  # fmt: skip


class Refused(click.ClickException):
    """A call that was refused. `code` is the contract's ErrorReason (`JOB_NOT_FOUND`, …)."""

    def __init__(self, code: str, detail: str, *, exit_code: int, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.retry_after = code, retry_after
        self.exit_code = exit_code  # type: ignore[misc] # click reads it from the instance

    @property
    def may_pass(self) -> bool:
        """Asking again later may work."""
        return self.exit_code == Exit.UNAVAILABLE


def from_problem(status: int, problem: dict[str, Any], retry_after: str | None) -> Refused:
    """The refusal in a problem document, with the fields that are wrong and the id that finds it in the logs."""
    code = str(problem.get("code") or status)
    detail = str(problem.get("detail") or "the answer says no more")
    for error in problem.get("errors") or ():
        said = f"{error.get('field')} {error.get('problem')}"
        detail += "" if said in detail else f"\n  {said}"
    if status >= 500 and problem.get("requestId"):  # noqa: PLR2004 - a fault of the other side
        detail += f" (request {problem['requestId']})"
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
    return Refused(code, detail, exit_code=BY_STATUS.get(status, Exit.ERROR), retry_after=seconds)

"""Collecting what is wrong with a request, to say all of it at once."""

from __future__ import annotations

from service_kit.errors import FieldError, ServiceError

MOST_PROBLEMS = 20
MOST_CHARACTERS = 200  # of a name that is shown


class Problems:
    """The field errors found so far in one request."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []

    def add(self, path: str, problem: str) -> None:
        """Note one; the path may hold whatever name a caller made up."""
        if len(self._found) < MOST_PROBLEMS:
            shown = path.encode("utf-8", "backslashreplace").decode()
            self._found.append(FieldError(shown[:MOST_CHARACTERS], problem))

    def raise_any(self) -> None:
        """Raise ServiceError INVALID_REQUEST that names every field when there were problems."""
        if self._found:
            detail = "; ".join(f"{error.field} {error.problem}" for error in self._found)
            raise ServiceError("INVALID_REQUEST", detail, tuple(self._found))

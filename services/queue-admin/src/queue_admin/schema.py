"""A job type's JSON Schema, compiled once; it can refer to nothing outside itself."""

from __future__ import annotations

from itertools import islice
from typing import Any

import jsonschema_rs

from service_kit.errors import FieldError, ServiceError

# Errors travel in gRPC trailers, of which clients accept about 8 KiB.
MOST_ERRORS = 10
MOST_CHARACTERS = 160


class SchemaError(ValueError):
    """The schema cannot be used; the message says why."""


class PayloadSchema:
    """Checks payloads of one job type. Thread-safe."""

    def __init__(self, job_type: str, schema: dict[str, Any]) -> None:
        """Raises SchemaError for a schema that is invalid or refers to another document."""
        self._job_type = job_type
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True, retriever=_refuse, mask="the value"
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise SchemaError(_cut(str(error).partition("\n")[0])) from error

    def check(self, payload: dict[str, Any]) -> None:
        """Raise ServiceError PAYLOAD_INVALID that names the fields (`data.ticketId`) and never their values."""
        if self._validator.is_valid(payload):
            return
        fields: list[FieldError] = []
        for error in islice(self._validator.iter_errors(payload), MOST_ERRORS):
            fields += _field_errors(error)
        raise ServiceError(
            "PAYLOAD_INVALID", f"the data does not fit the schema of {self._job_type}", tuple(fields[:MOST_ERRORS])
        )


def _field_errors(error: jsonschema_rs.ValidationError) -> list[FieldError]:
    path = "data" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return [FieldError(_cut(f"{path}.{kind.property}"), "is required")]
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return [FieldError(_cut(f"{path}.{name}"), "is not known") for name in kind.unexpected]
    return [FieldError(_cut(path), _cut(error.message))]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} lies outside the schema")

"""The settings of all services as a page, from their models: names, defaults, bounds and what the docstrings say."""

from __future__ import annotations

import ast
import inspect
import textwrap

from pydantic.fields import FieldInfo

from api_gateway.settings import GatewaySettings
from audit.settings import AuditSettings
from handbook.tables import table
from local.settings import LocalSettings
from queue_admin.settings import QueueAdminSettings
from service_kit.settings import ServiceSettings
from worker.settings import WorkerSettings

SERVICES: dict[str, type[ServiceSettings]] = {
    "api-gateway": GatewaySettings,
    "queue-admin": QueueAdminSettings,
    "worker": WorkerSettings,
    "audit": AuditSettings,
}
HEAD = """# Settings

Made from the services' models (`settings.py` of each). A setting comes from the environment, else from a file `.env` in
the working directory. `NAME_FILE` names a file to read the value of `NAME` from, and goes before it. All problems are
reported at once at the start; a variable with a service's prefix that the service does not know is one of them.

What is called *secret* is never logged and belongs into such a file: `SMTP_URL_FILE=/run/secrets/smtp-url`. Keys, users
and services' tokens have settings that are paths themselves. The files of users, of tokens and of keys that verify are
read again when they change, and so is the store's password with `?password_file=/run/secrets/redis` in `REDIS_URL`;
everything else is read once, at the start.

The local stack has [settings of its own](#the-local-stack), none of them in files. It passes those with a service's
prefix on to that service, `SMTP_…`, `SMS_…` and `PUSH_…` to the workers, and `LOG_LEVEL`, `JOB_UI_PAGE_SIZE`,
`JOB_KEEP_…`, `AUTH_EXTERNAL_…` and `OTEL_…` to all.
"""
COLUMNS = ("variable", "type", "default", "")
BOUNDS = {"Ge": "at least", "Gt": "more than", "Le": "at most", "MinLen": "", "MaxLen": "at most"}


def page() -> str:
    """The whole page."""
    shared = set(ServiceSettings.model_fields)
    parts = [HEAD, "## Every service", _settings(ServiceSettings, shared)]
    for name, model in SERVICES.items():
        parts += [f"## {name}", _settings(model, set(model.model_fields) - shared)]
    parts += ["## The local stack", _settings(LocalSettings, set(LocalSettings.model_fields) - {"passed_on"})]
    return "\n\n".join(parts) + "\n"


def _settings(model: type[ServiceSettings | LocalSettings], names: set[str]) -> str:
    said = docstrings(model)
    rows = [
        (f"`{name.upper()}`", _type(field), _default(field), _text(field, said.get(name, "")))
        for name, field in model.model_fields.items()
        if name in names
    ]
    return table(COLUMNS, rows)


def docstrings(model: type) -> dict[str, str]:
    """What stands as a string below each field of a class, or of one between it and what all services have."""
    between = [base for base in model.__mro__[1:] if issubclass(base, ServiceSettings) and base is not ServiceSettings]
    found: dict[str, str] = {}
    for part in (*reversed(between), model):
        found |= _own_docstrings(part)
    return found


def _own_docstrings(model: type) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class is a class
    found: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(field.target)] = str(text.value.value)
    return found


def _type(field: FieldInfo) -> str:
    word = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "Path": "folder"}[
        getattr(field.annotation, "__name__", "")
    ]
    return word if field.repr else f"{word}, secret"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`" if str(field.default) else "empty"


def _text(field: FieldInfo, text: str) -> str:
    bounds = [
        f"{BOUNDS[kind]} {value}"
        for rule in field.metadata
        if (kind := type(rule).__name__) in BOUNDS and BOUNDS[kind]
        for value in vars_of(rule)
    ]
    return f"{text} ({', '.join(bounds)})".strip() if bounds else text


def vars_of(rule: object) -> list[object]:
    """The values of a bound: annotated_types keeps each in a field of its own name."""
    return [getattr(rule, name) for name in getattr(type(rule), "__slots__", ()) or vars(rule)]

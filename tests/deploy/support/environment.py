"""Whether the environment that a manifest gives a program is one that its settings model accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api_gateway.settings import GatewaySettings
from audit.settings import AuditSettings
from queue_admin.settings import QueueAdminSettings
from service_kit.settings import ServiceSettings
from worker.settings import WorkerSettings

SETTINGS: dict[str, type[ServiceSettings]] = {
    "api_gateway": GatewaySettings,
    "audit": AuditSettings,
    "queue_admin": QueueAdminSettings,
    "worker": WorkerSettings,
}
REQUIRED = {
    # Serving needs these although commands do not, so that the models cannot demand them.
    ("api_gateway",): {"AUTH_JWKS", "GATEWAY_SIGNING_KEY_FILE", "GATEWAY_QUEUE_ADMIN_ADDRESS", "GATEWAY_AUDIT_ADDRESS"},
    ("api_gateway", "keys"): {"AUTH_JWKS", "GATEWAY_SIGNING_KEY_FILE"},
    ("api_gateway", "token"): {"GATEWAY_SIGNING_KEY_FILE"},
    ("audit",): {"AUTH_JWKS", "DATABASE_URL"},
    ("audit", "migrate"): {"DATABASE_URL"},
    ("queue_admin",): {"AUTH_JWKS", "SERVICE_TOKEN_FILE", "REDIS_URL", "QUEUE_ADMIN_AUDIT_ADDRESS"},
    ("queue_admin", "prepare-store"): {"REDIS_URL"},
    ("worker",): {
        "AUTH_JWKS", "SERVICE_TOKEN_FILE", "REDIS_URL", "PLATFORM_DATABASE_URL", "SMTP_URL",
        "WORKER_QUEUE_ADMIN_ADDRESS",
    },
}  # fmt: skip
SAMPLES = {"DATABASE_URL": "postgresql://u:p@h:5432/d", "REDIS_URL": "redis://h:6379/0"}


def problems(command: tuple[str, ...], environment: Mapping[str, str], image: Iterable[str]) -> list[str]:
    """What is wrong, in words. `image`: the names that the image sets by itself, for every service of ours."""
    model = SETTINGS[command[0]]
    fields = {name.upper() for name in model.model_fields}
    own = {name: value for name, value in environment.items() if name not in set(image)}
    given = {name if name in fields else name.removesuffix("_FILE") for name in own}
    found = [f"{name}: {model.__name__} has no such setting" for name in own if not {name, _setting(name)} & fields]
    verb = next((words for words in (command[:2], command[:1]) if words in REQUIRED), command[:1])
    found += [f"{name}: is not given" for name in sorted(REQUIRED[verb] - given)]
    values = {
        name.lower() if name in fields else _setting(name).lower(): (
            value if name in fields else SAMPLES.get(_setting(name), "a secret")
        )
        for name, value in own.items()
    }
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    model.model_validate({**{name: SAMPLES.get(name.upper(), "x") for name in required}, **values})
    return found


def _setting(variable: str) -> str:
    return variable.removesuffix("_FILE")

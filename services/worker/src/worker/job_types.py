"""Declaring a job type: a payload model, a handler and, on top of it, everything else there is to say about it.

    class TicketCreated(Payload):
        ticket_id: str
        landlord_id: str

    @job_type("ticket.created", queue="tickets", id_template="ticket-created-{ticketId}")
    def ticket_created(payload: TicketCreated, job: JobContext, platform: Platform) -> None:
        ...

Parameters after the first two are resources of the worker, found by their annotated type when the worker starts.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Concatenate, TypeVar, get_type_hints

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff
from queue_engine.domain.erasure import SUBJECT_MARK, subject_fields
from queue_engine.domain.job_type import DefaultSchedule, JobType, Settling
from worker.context import JobContext

GROUP, IMMEDIATE = Settling.GROUP, Settling.IMMEDIATE
P = TypeVar("P", bound="Payload")

SUBJECT: Any = Field(json_schema_extra={SUBJECT_MARK: True})
"""Marks a payload field that names a person: `recipient_id: Annotated[str, SUBJECT]`. Erasing it removes the job."""


class Payload(BaseModel):
    """Base of payload models: snake_case here, camelCase in JSON. Fields nobody declared are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class MissingResource(Exception):
    """A handler asks for a resource that the worker does not have."""

    def __init__(self, name: str, resource: type) -> None:
        super().__init__(f"the handler of {name!r} needs a {resource.__name__}, which this worker does not have")


@dataclass(frozen=True, slots=True)
class Handler:
    """A declared job type with the function that runs it. Calling it calls the function (tests pass fakes)."""

    job_type: JobType
    payload: type[Payload]
    function: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function as it was written."""
        return self.function(*args, **kwargs)

    def bind(self, resources: Mapping[type, object]) -> Callable[[Payload, JobContext], Any]:
        """The function of payload and context alone, its other parameters filled in. Raises MissingResource."""
        wanted = self._resources()
        for kind in wanted.values():
            if kind not in resources:
                raise MissingResource(self.job_type.name, kind)
        given = {parameter: resources[kind] for parameter, kind in wanted.items()}
        function = self.function
        return (lambda payload, job: function(payload, job, **given)) if given else function

    def _resources(self) -> dict[str, type]:
        hints = get_type_hints(self.function)
        hints.pop("return", None)
        return dict(list(hints.items())[2:])


def job_type(  # noqa: PLR0913 - all there is to say about a job type, by keyword
    name: str,
    *,
    queue: str,
    version: int = 1,
    id_template: str = "",
    due_field: str = "",
    settling: Settling = GROUP,
    attempts: int = 3,
    backoff: Backoff = DEFAULT_BACKOFF,
    timeout_ms: int = 60_000,
    max_age_ms: int = 86_400_000,
    dedup_ms: int = 86_400_000,
    schedule: DefaultSchedule | None = None,
) -> Callable[[Callable[Concatenate[P, JobContext, ...], Any]], Handler]:
    """Declare that the decorated function `(payload, job, ...)` runs jobs named `name`.

    What it returns (JSON, or None) becomes the job's return value. `version` is raised with every change of the
    payload or these values. `settling` IMMEDIATE: the outcome is stored before the thread goes on, for work whose
    repetition hurts. `schedule` is made once, when there never was one of its id, and then belongs to people. The other
    values are those of queue_engine's JobType.
    """

    def declare(function: Callable[Concatenate[P, JobContext, ...], Any]) -> Handler:
        payload: type[Payload] = next(iter(get_type_hints(function).values()))
        declared = JobType(
            name=name,
            queue=queue,
            version=version,
            schema=_schema_of(name, payload),
            id_template=id_template,
            due_field=due_field,
            settling=settling,
            attempts=attempts,
            backoff=backoff,
            timeout_ms=timeout_ms,
            max_age_ms=max_age_ms,
            dedup_ms=dedup_ms,
            default_schedule=schedule,
        )
        return Handler(declared, payload, function)

    return declare


def _schema_of(name: str, payload: type[Payload]) -> dict[str, Any]:
    schema = payload.model_json_schema(by_alias=True)
    # A mark that is not seen would leave a person's jobs where they are, in silence.
    if orjson.dumps(schema).count(f'"{SUBJECT_MARK}"'.encode()) != len(subject_fields(schema)):
        raise ValueError(f"{name}: only a text at the top of the payload can be marked as SUBJECT")
    return schema


def handlers_in(package: ModuleType) -> list[Handler]:
    """Every handler declared in the package's modules, by name; a new module there needs no entry anywhere else."""
    modules = [
        importlib.import_module(found.name) for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    ]
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Handler)}
    return sorted(found.values(), key=lambda handler: handler.job_type.name)


def by_name(handlers: Iterable[Handler]) -> dict[str, JobType]:
    """The declarations by name; raises ValueError when a name is declared twice."""
    declared: dict[str, JobType] = {}
    for handler in handlers:
        if handler.job_type.name in declared:
            raise ValueError(f"the job type {handler.job_type.name!r} is declared twice")
        declared[handler.job_type.name] = handler.job_type
    return declared

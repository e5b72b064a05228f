from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from api_gateway.app import SERVICES
from api_gateway.docs.openapi import openapi
from api_gateway.docs.pages import reference_page
from api_gateway.transcoding.routes import endpoints_of
from service_kit.contract import methods_of
from service_kit.errors import HTTP_STATUS

METHODS = [m for m in methods_of(*SERVICES).values() if m.public]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi(endpoints_of(*SERVICES))


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {o["operationId"]: o for path in document["paths"].values() for o in path.values()}


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_public_method_is_an_operation_with_its_roles_and_its_comment(
    document: dict[str, Any], method: Any
) -> None:
    operation = operations(document)[method.name[0].lower() + method.name[1:]]

    assert operation["x-roles"] == sorted(method.roles)
    assert operation["security"] == [{"bearer": []}]
    assert operation["summary"]
    assert "Errors:" not in operation["description"]
    assert {"400", "401", "403", "503", "504"} <= operation["responses"].keys()


def test_the_errors_a_method_names_are_its_problem_responses(document: dict[str, Any]) -> None:
    responses = operations(document)["enqueueJob"]["responses"]

    assert responses["409"]["description"] == "ID_CONFLICT, WRONG_STATE, QUEUE_RESERVED"
    assert "JOB_TYPE_UNKNOWN" in responses["422"]["description"]
    assert "Retry-After" in responses["503"]["headers"]
    assert responses["201"]["headers"]["Location"]


def test_every_field_and_parameter_is_described(document: dict[str, Any]) -> None:
    undescribed = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, shape in schema["properties"].items()
        if "description" not in shape and name not in ("Problem", "Session", "Health")
    ]
    undescribed += [
        f"{name}?{parameter['name']}"
        for name, operation in operations(document).items()
        for parameter in operation.get("parameters", ())
        if not parameter["description"]
    ]
    assert undescribed == []


def test_rules_are_in_the_schemas(document: dict[str, Any]) -> None:
    parameters = {p["name"]: p for p in operations(document)["getQueue"]["parameters"]}
    assert parameters["pageSize"]["schema"] == {"type": "integer", "format": "int32", "minimum": 1, "maximum": 100}
    assert parameters["queue"]["schema"]["pattern"] == "^(?:[a-z][a-z0-9-]{0,62})$"
    assert parameters["status"]["schema"]["enum"] == ["waiting", "active", "delayed", "completed", "failed"]

    body = operations(document)["enqueueJob"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["name", "data"]
    assert body["additionalProperties"] is False
    assert "queue" not in body["properties"]


def test_answers_show_inline_messages_merged(document: dict[str, Any]) -> None:
    queue = document["components"]["schemas"]["GetQueueResponse"]

    assert {"name", "waiting", "jobs", "pagination"} <= queue["properties"].keys()


def test_the_page_names_every_operation_and_every_error_and_loads_nothing_from_elsewhere(
    document: dict[str, Any],
) -> None:
    page = reference_page(document)

    for name in operations(document):
        assert f'id="{name}"' in page
    for code in HTTP_STATUS:
        assert code == "UNSPECIFIED" or f'id="{code}"' in page
    assert re.findall(r'(?:src|href)="(?!#)([^"]*)"', page) == ["/docs/style.css", "/openapi.json"]
    assert "<script" not in page
    assert "style=" not in page


def test_all_links_within_the_page_lead_somewhere(document: dict[str, Any]) -> None:
    page = reference_page(document)

    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(re.findall(r' id="([^"]*)"', page))


def test_calls_are_grouped_by_what_they_are_about(document: dict[str, Any]) -> None:
    tags = {name: operation["tags"] for name, operation in operations(document).items()}

    assert tags["upsertSchedule"] == tags["listSchedules"] == ["schedules"]
    assert {tag for used in tags.values() for tag in used} == {tag["name"] for tag in document["tags"]}

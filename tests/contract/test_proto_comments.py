"""Every element of the contracts says what it is for; the words become the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from service_kit.errors import HTTP_STATUS

PACKAGE, MESSAGE, ENUM, SERVICE, EXTENSION = 2, 4, 5, 6, 7  # numbers of the fields of FileDescriptorProto
FIELD, NESTED, NESTED_ENUM, VALUE, METHOD = 2, 3, 4, 2, 2  # and of those below


def contracts() -> list[FileDescriptorProto]:
    text = (files("jobqueue") / "descriptors.binpb").read_bytes()
    return [file for file in FileDescriptorSet.FromString(text).file if file.name.startswith("jobqueue/")]


def comments(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    return {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}


def elements(file: FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield file.package, (PACKAGE,)
    for i, message in enumerate(file.message_type):
        yield from of_message(message, (MESSAGE, i))
    for i, enum in enumerate(file.enum_type):
        yield from of_enum(enum, (ENUM, i))
    for i, service in enumerate(file.service):
        yield service.name, (SERVICE, i)
        yield from ((f"{service.name}.{m.name}", (SERVICE, i, METHOD, j)) for j, m in enumerate(service.method))
    yield from ((extension.name, (EXTENSION, i)) for i, extension in enumerate(file.extension))


def of_message(message: Any, path: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield message.name, path
    yield from ((f"{message.name}.{field.name}", (*path, FIELD, i)) for i, field in enumerate(message.field))
    for i, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from of_message(nested, (*path, NESTED, i))
    for i, enum in enumerate(message.enum_type):
        yield from of_enum(enum, (*path, NESTED_ENUM, i))


def of_enum(enum: Any, path: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield enum.name, path
    yield from ((f"{enum.name}.{value.name}", (*path, VALUE, i)) for i, value in enumerate(enum.value))


each_file = pytest.mark.parametrize("file", contracts(), ids=lambda file: file.name)


@each_file
def test_every_element_has_a_comment(file: FileDescriptorProto) -> None:
    said = comments(file)
    found = list(elements(file))

    assert len(found) > 3
    assert [name for name, path in found if not said.get(path)] == []


@each_file
def test_comments_are_sentences(file: FileDescriptorProto) -> None:
    said = comments(file)

    assert [name for name, path in elements(file) if not re.search(r"[.:`)]$", said[path])] == []


@each_file
def test_errors_that_comments_name_exist(file: FileDescriptorProto) -> None:
    for comment in comments(file).values():
        for listed in re.findall(r"Errors: (.*)", comment, re.DOTALL):
            words = set(re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)*\b", listed))
            assert words <= set(HTTP_STATUS)


@each_file
def test_a_files_place_is_its_package(file: FileDescriptorProto) -> None:
    assert file.name.rpartition("/")[0].replace("/", ".") == file.package
    assert re.fullmatch(r"jobqueue\.[a-z]+\.v1", file.package)

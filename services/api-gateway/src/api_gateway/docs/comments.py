"""The comments of the contract, from the descriptor set made with the stubs (the stubs themselves drop them)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2


@cache
def comments() -> dict[str, str]:
    """Comments as one line of text by the full name of what they stand at."""
    content = (files("jobqueue") / "descriptors.binpb").read_bytes()
    found: dict[str, str] = {}
    for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:
        if not file.package.startswith("jobqueue."):
            continue
        for location in file.source_code_info.location:
            name = _full_name(file, location.path)
            text = " ".join((location.leading_comments or location.trailing_comments).split())
            if name and text:
                found[name] = text
    return found


def _full_name(file: Any, path: Any) -> str | None:
    """The name of the element at a path of field numbers and indexes; None for one that has no name."""
    if len(path) % 2 or not path:
        return None
    element, names = file, [file.package]
    for number, index in zip(path[::2], path[1::2], strict=True):
        field = type(element).DESCRIPTOR.fields_by_number.get(number)
        if field is None or not field.is_repeated or field.message_type is None:
            return None
        element = getattr(element, field.name)[index]
        if not hasattr(element, "name"):
            return None
        names.append(element.name)
    return ".".join(names)

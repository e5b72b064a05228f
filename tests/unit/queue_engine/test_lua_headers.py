"""Every Lua file opens with its contract, and none leaks a global."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from luaparser import ast, astnodes

from queue_engine.store import library

FUNCTIONS = Path(str(files("queue_engine.store"))) / "functions"
OPERATIONS = sorted(FUNCTIONS.glob("*.lua"))
SHARED = sorted((FUNCTIONS / "shared").glob("*.lua"))

GIVEN = {
    "KEYS", "ARGV", "VERSION", "redis", "cjson", "math", "string", "table", "error", "ipairs", "next", "pairs", "pcall",
    "tonumber", "type", "unpack",
}  # fmt: skip
"""Globals of the store's Lua that we use, and what the builder adds."""


def header(source: str) -> list[str]:
    lines = source.splitlines()
    return lines[: next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))]


def by_name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", OPERATIONS, ids=by_name)
def test_an_operation_opens_with_its_contract(path: Path) -> None:
    lines = header(path.read_text())

    assert re.match(r"-- [A-Z].*[.;:]", lines[0])
    assert any(line.startswith("-- KEYS[1] jobs:{") for line in lines)
    assert any(line.startswith("-- ARGV") for line in lines)
    assert any(line.startswith("-- Returns {'OK'") for line in lines)
    assert re.fullmatch(r"-- Flags: (none|allow-oom|no-writes)", lines[-1])


@pytest.mark.parametrize("path", OPERATIONS, ids=by_name)
def test_every_argument_an_operation_reads_is_documented(path: Path) -> None:
    source = path.read_text()
    documented = "\n".join(header(source))
    used = {int(number) for number in re.findall(r"ARGV\[(\d+)\]", source.removeprefix(documented))}

    assert [number for number in used if not is_documented(number, documented)] == []
    assert not re.search(r"KEYS\[[2-9]\]", source)


def is_documented(number: int, contract: str) -> bool:
    ranges = re.findall(r"ARGV\[(\d+)\.\.(\d*)\.?\]", contract)
    return f"ARGV[{number}]" in contract or any(
        int(low) <= number and (not high or number <= int(high)) for low, high in ranges
    )


@pytest.mark.parametrize("path", SHARED, ids=by_name)
def test_a_helper_file_opens_by_saying_what_it_is_for(path: Path) -> None:
    assert re.match(r"-- [A-Z].{20,}", path.read_text())


def test_every_helper_file_is_part_of_the_library() -> None:
    source = library.library_source()

    assert [path.name for path in SHARED if path.read_text() not in source] == []


@pytest.mark.parametrize("path", [*OPERATIONS, *SHARED], ids=by_name)
def test_no_file_assigns_a_global(path: Path) -> None:
    assert leaks(path.read_text(), SHARED_NAMES) == set()


def test_the_check_for_globals_sees_one() -> None:
    assert leaks("local a = 1\nb = a\nfor i = 1, 2 do c = i end", set()) == {"b", "c"}


def test_every_name_the_library_uses_is_declared_or_given() -> None:
    tree = ast.parse(library.library_source().partition("\n")[2])
    declared = names_declared(tree)
    members = {id(node.idx) for node in ast.walk(tree) if isinstance(node, astnodes.Index)}
    members |= {id(node.key) for node in ast.walk(tree) if isinstance(node, astnodes.Field)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, astnodes.Name) and id(node) not in members}

    assert used - declared == GIVEN - {"VERSION", "KEYS", "ARGV"}


def names_declared(tree: astnodes.Chunk) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case astnodes.LocalAssign():
                found = list(node.targets)
            case astnodes.LocalFunction():
                found = [node.name, *node.args]
            case astnodes.Function() | astnodes.AnonymousFunction():
                found = list(node.args)
            case astnodes.Forin():
                found = list(node.targets)
            case astnodes.Fornum():
                found = [node.target]
            case _:
                continue
        names |= {name.id for name in found if isinstance(name, astnodes.Name)}
    return names


SHARED_NAMES = set().union(*(names_declared(ast.parse(path.read_text())) for path in SHARED))


def leaks(source: str, known: set[str]) -> set[str]:
    """Names that are assigned without being declared anywhere in the file or in the helpers."""
    tree = ast.parse(source)
    declared = names_declared(tree) | known | {"KEYS", "ARGV"}
    targets = [target for node in ast.walk(tree) if type(node) is astnodes.Assign for target in node.targets]
    return {target.id for target in targets if isinstance(target, astnodes.Name)} - declared

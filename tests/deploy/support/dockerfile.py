"""A Dockerfile as its instructions, with build arguments put in."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KNOWN = {"FROM", "ARG", "ENV", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "LABEL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


@dataclass(frozen=True, slots=True)
class Instruction:
    """`RUN …`: its word and the rest of its line."""

    word: str
    rest: str

    def words(self) -> list[str]:
        """The rest as a shell would split it."""
        return shlex.split(self.rest)

    def command(self) -> list[str]:
        """A command in exec form; raises ValueError for the shell form, which needs a shell and swallows signals."""
        try:
            found: list[str] = json.loads(self.rest)
        except ValueError as error:
            raise ValueError(f"{self.word} {self.rest}: must be in exec form, a JSON array") from error
        return found


@dataclass(slots=True)
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, word: str) -> list[Instruction]:
        """All instructions of a kind, in order."""
        return [one for one in self.instructions if one.word == word]

    def environment(self) -> dict[str, str]:
        """What its ENV lines set."""
        pairs = (word.partition("=") for one in self.of("ENV") for word in one.words())
        return {name: value for name, _, value in pairs}

    def health_check(self) -> dict[str, Any]:
        """Command and options of its HEALTHCHECK."""
        (one,) = self.of("HEALTHCHECK")
        options, _, command = one.rest.partition("CMD ")
        return {**dict(word.lstrip("-").split("=") for word in options.split()), "command": json.loads(command)}


def parse(path: Path) -> list[Stage]:
    """The stages in order. Raises ValueError for an instruction that this parser does not know."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word:
            continue
        if word not in KNOWN:
            raise ValueError(f"{path.name}: unknown instruction {word}")
        if word == "ARG" and not stages:
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif word == "FROM":
            for name, value in arguments.items():
                rest = rest.replace(f"${{{name}}}", value)
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
        else:
            stages[-1].instructions.append(Instruction(word, rest.strip()))
    return stages

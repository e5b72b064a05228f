"""Starts programs in stages, restarts the ones that die, stops all in reverse order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.process import Child, Program, ended

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
STEADY_SECONDS = 60.0  # one that ran this long starts again with the first pause


@dataclass(frozen=True, slots=True)
class Stage:
    """Programs that are started together, and what is done once they are ready, before the next stage."""

    programs: Sequence[Program]
    then: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class _Restart:
    """When a dead child is started again, and how long the pause before it is."""

    pause: float
    at: float


class Supervisor:
    """Owns the children. `say` shows one line to the person who started the stack. Used from one thread."""

    def __init__(self, stages: Sequence[Stage], *, logs: Path, say: Callable[[str], None]) -> None:
        self._stages = [
            (stage, [Child(program, logs / f"{program.name}.log") for program in stage.programs]) for stage in stages
        ]
        self._say = say
        self._restarts: dict[str, _Restart] = {}

    def __iter__(self) -> Iterator[Child]:
        return (child for _, children in self._stages for child in children)

    def __getitem__(self, name: str) -> Child:
        for child in self:
            if child.name == name:
                return child
        raise KeyError(f"{name} is none of {', '.join(child.name for child in self)}")

    def start(self) -> None:
        """Start each stage once the one before is ready. Raises ProgramFailed; stop() is the caller's then too."""
        for stage, children in self._stages:
            for child in children:
                child.start()
            for child in children:
                child.wait_ready()
                self._say(f"{child.name} is ready ({time.monotonic() - child.started_at:.1f} s)")
            stage.then()

    def stop(self) -> None:
        """Stop the stages in reverse order, the children of one stage at once."""
        for _, children in reversed(self._stages):
            for child in children:
                child.ask_to_stop()
            for child in children:
                if not child.stop():
                    self._say(f"{child.name} did not stop within {child.program.stop_seconds:.0f} s and was killed")

    def tick(self) -> bool:
        """Look after the children once: say who died, start again whose pause is over; True when anything changed."""
        now = time.monotonic()
        changed = False
        for child in self:
            if child.alive:
                continue
            restart = self._restarts.get(child.name)
            if restart is None or restart.at < child.started_at:
                self._note_death(child, restart, now)
                changed = True
            elif restart.at <= now:
                self._say(f"{child.name} is started again")
                child.start()
                changed = True
        return changed

    def _note_death(self, child: Child, last: _Restart | None, now: float) -> None:
        steady = last is None or now - child.started_at > STEADY_SECONDS
        pause = FIRST_PAUSE_SECONDS if last is None or steady else min(last.pause * 2, LONGEST_PAUSE_SECONDS)
        self._restarts[child.name] = _Restart(pause, now + pause)
        self._say(f"{child.name} {ended(child.exit_status)}; it is started again in {pause:g} s; see {child.log}")

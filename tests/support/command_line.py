"""jobsctl as a person or a script runs it: in this process against a real gateway, with a home of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from jobsctl.cli import jobsctl


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Nobody sits at its terminal: what would be asked has to be given."""

    url: str
    home: Path
    token: str | None = None

    def run(self, *words: str, typed: str | None = None) -> Result:
        """What came of it, whatever that is; a defect of ours is raised."""
        token_file = self.home / "token"
        token_file.write_text(self.token or "")
        environment: dict[str, str | None] = {
            "XDG_CONFIG_HOME": str(self.home),
            "JOBSCTL_URL": self.url,
            "JOBSCTL_TOKEN_FILE": str(token_file) if self.token else None,
            "JOBSCTL_CONFIG": None,
            "COLUMNS": "80",
        }
        result = CliRunner().invoke(jobsctl, words, input=typed, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def out(self, *words: str, typed: str | None = None, status: int = 0) -> str:
        """What it printed."""
        result = self.run(*words, typed=typed)
        assert result.exit_code == status, result.output
        return result.stdout

    def json(self, *words: str, status: int = 0) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out(*words, "--json", status=status))

    def fails(self, *words: str) -> tuple[int, str]:
        """The exit status and what was said about it."""
        result = self.run(*words)
        assert result.exit_code != 0, result.output
        assert "Traceback" not in result.output
        return result.exit_code, result.stderr

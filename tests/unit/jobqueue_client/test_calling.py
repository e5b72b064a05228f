from __future__ import annotations

from pathlib import Path

import pytest

from jobqueue_client.calling import Token
from jobqueue_client.errors import JobQueueError


def test_a_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    token = Token(str(path))
    assert token.read() == "first"

    path.write_text("second, longer\n")

    assert token.read() == "second, longer"


def test_a_file_that_is_gone_for_a_moment_leaves_the_last_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = Token(str(path))
    token.read()

    path.unlink()

    assert token.read() == "first"


def test_a_file_that_never_was_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JobQueueError, match="UNAUTHENTICATED: the token file"):
        Token(str(tmp_path / "none")).read()

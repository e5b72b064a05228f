from __future__ import annotations

import time

import pytest

from api_gateway.auth.passwords import Passwords


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords()


def test_only_the_right_password_fits(passwords: Passwords) -> None:
    kept = passwords.hash("correct horse")

    assert passwords.fits(kept, "correct horse")
    assert not passwords.fits(kept, "correct horsE")
    assert not passwords.fits("no hash at all", "correct horse")
    assert kept != passwords.hash("correct horse")
    assert kept.startswith("$argon2id$")


def test_an_unknown_user_costs_as_much_as_a_wrong_password(passwords: Passwords) -> None:
    kept = passwords.hash("correct horse")

    def cpu_seconds(password_hash: str | None) -> float:
        began = time.process_time()
        assert not passwords.fits(password_hash, "wrong password")
        return time.process_time() - began

    known = min(cpu_seconds(kept) for _ in range(3))
    unknown = min(cpu_seconds(None) for _ in range(3))
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1_001])
def test_a_password_that_is_too_short_or_too_long_is_refused(passwords: Passwords, password: str) -> None:
    with pytest.raises(ValueError, match="8 to 1000 characters"):
        passwords.hash(password)

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from queue_engine.store.credentials import PasswordFile, split_credentials


@pytest.mark.parametrize(
    ("url", "rest", "found"),
    [
        ("redis://app@host:1/0?password_file={file}", "redis://host:1/0", ("app", "secret")),
        ("redis://host:1/0?password_file={file}", "redis://host:1/0", ("secret",)),
        (
            "rediss+cluster://a%40b@host:1,[::1]:2?ssl_ca_certs=/ca.pem&password_file={file}",
            "rediss+cluster://host:1,[::1]:2?ssl_ca_certs=%2Fca.pem",
            ("a@b", "secret"),
        ),
    ],
)
def test_the_file_and_its_user_are_taken_out_of_the_address(
    tmp_path: Path, url: str, rest: str, found: tuple[str, ...]
) -> None:
    file = tmp_path / "password"
    file.write_text("secret\n")

    split, credentials = split_credentials(url.format(file=file))

    assert split == rest
    assert credentials is not None
    assert credentials.get_credentials() == found


def test_an_address_without_a_file_stays_as_it_is() -> None:
    assert split_credentials("redis://:pw@host:1/0?db=2") == ("redis://:pw@host:1/0?db=2", None)


def test_a_password_beside_the_file_is_refused_without_being_told() -> None:
    with pytest.raises(ValueError, match="leave one of them out") as refusal:
        split_credentials("redis://:pw-7@host:1/0?password_file=/file")
    assert "pw-7" not in str(refusal.value)


def test_the_file_is_read_each_time_and_may_be_missing_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "password"
    credentials = PasswordFile("", str(file))

    with pytest.raises(redis.ConnectionError, match="No such file"):
        credentials.get_credentials()
    file.write_text("first")
    assert credentials.get_credentials() == ("first",)
    file.write_text("second")
    assert credentials.get_credentials() == ("second",)

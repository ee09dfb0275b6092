"""Messages of errors are one line that any terminal can show."""

from __future__ import annotations

import pickle

import pytest

from remix.settings.errors import InvalidOutput, SettingError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two\nlines", "two lines"),
        ("\x1b[2J\x07evil", r"\x1b[2J\x07evil"),
        ("right\u202eleft", r"right\u202eleft"),
        ("\udcff", r"\udcff"),
        ("größe Ω", "größe Ω"),
        ("http://me:S3cretPw@host", "http://me:***@host"),
    ],
)
def test_a_value_is_shown_as_it_can_be(value: str, shown: str) -> None:
    error = SettingError("env.name", value, "is not trusted")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == f"env.name={shown}: is not trusted"
    assert error.value == value


def test_what_a_game_is_called_is_shown_as_it_can_be() -> None:
    error = InvalidOutput("\x1b[2Jgame", "reward", "is None")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == r"\x1b[2Jgame: reward is None"

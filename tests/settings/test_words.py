"""Words of a command line: what Hydra takes for what the user meant."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from remix.settings.words import quoted, settings_first


@pytest.mark.parametrize(
    "text",
    [
        "runs/a b,c=d", "C:\\runs\\x", "a\\\\b", "end\\", "end\\\\", "it's", "it\\'s", "\\\\'", "größe/Ω",
        '"q"', "${x}", "\\${x}", "\\\\${x}", "${", "$x", "{x}\\", "two\nlines", "null", "3", "",
    ],
)  # fmt: skip
def test_a_quoted_text_is_read_as_it_is(text: str) -> None:
    read = OverridesParser.create().parse_override(f"key={quoted(text)}").value()
    assert OmegaConf.create({"key": read}).key == text


def test_settings_come_first_and_options_keep_their_values() -> None:
    words = ("--config-dir", "a=b", "seed=2", "-m", "~x", "--config-dir=c=d", "-cn", "n=1")
    assert settings_first(words) == [
        "seed=2", "~x", "--config-dir", "a=b", "-m", "--config-dir=c=d", "-cn", "n=1",
    ]  # fmt: skip

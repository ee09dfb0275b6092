"""Names of PyMARL lead to settings that there are, in messages and on the page of words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from remix.runs.composing import compose
from remix.settings.other_names import PYMARL, meant
from remix.settings.words import group_choices

PAGE = Path(__file__).parents[2] / "docs/words.md"


def test_every_one_is_a_setting_or_a_choice() -> None:
    config = compose("env=smac", "algorithm=ow_qmix_official")
    missing = object()
    for place in PYMARL.values():
        name, _, choice = place.partition("=")
        assert choice in group_choices(name) or OmegaConf.select(config, name, default=missing) is not missing


def test_the_page_has_them() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)`", PAGE.read_text("utf-8"), re.MULTILINE)
    assert PYMARL.items() <= dict(rows).items()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lr", " (perhaps optimizer.lr)"),
        ("optimiser.lr", " (perhaps optimizer.lr)"),
        ("env_args.map_name", " (perhaps env.map_name)"),
        ("end", ""),
        ("nothing", ""),
    ],
)
def test_what_may_be_meant(name: str, said: str) -> None:
    parts = {part: {"end": 1} for part in "abcd"}
    node = OmegaConf.create({"optimizer": {"_target_": "x", "lr": 1}, "hydra": {"lr": 2}, **parts})
    assert meant(name, node.optimizer) == said

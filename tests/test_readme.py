"""The README's Python examples do what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from remix.weighting.base import WeightingInputs

README = (Path(__file__).parents[1] / "README.md").read_text()


def block(language: str, containing: str) -> str:
    """The fenced block of a language that contains a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


def test_training_without_hydra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = block("python", "pl.Trainer")
    assert "max_env_steps=100_000" in code
    small = (
        "max_env_steps=300, steps_per_epoch=150, batch_size=1, episodes_per_round=1, validation_episodes=2"
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code.replace("max_env_steps=100_000", small), names)
    assert names["data"].env_steps >= 300
    assert names["module"].updates >= 2


def test_own_weighting():
    names: dict[str, Any] = {}
    exec(block("python", "class Sharp"), names)
    target, value = torch.tensor([2.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 5.0])
    rest = torch.zeros(3, 1, 2), torch.ones(3, 1, 2, dtype=torch.bool), torch.zeros(3, 1, dtype=torch.int64)
    weights = names["Sharp"](0.1, 1.0)(WeightingInputs(value, target, *rest)).values
    torch.testing.assert_close(weights, torch.tensor([1.0, 0.1 + 0.9 / 4, 0.1]))
    node = yaml.safe_load(block("yaml", "remix.weighting.sharp.Sharp"))
    assert set(node) == {"_target_", "min_weight", "max_weight"}


def test_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in set(re.findall(r"^make (\w+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target

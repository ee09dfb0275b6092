"""The README's Python examples do what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

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


def test_training_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block("python", "remix.train"), names)
    assert names["run"].status == "finished"
    assert "final_return" in capsys.readouterr().out


def test_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in set(re.findall(r"^make (\w+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target

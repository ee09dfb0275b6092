"""Compositions that tests share are as good as new ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import remix
from remix.runs.composing import composed


def test_the_same_words_give_a_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = composed("train", ["env=climbing", "seed=3"])
    first.seed, first.env.payoff[0][0] = 4, 7
    monkeypatch.chdir(tmp_path)
    again = composed("train", ["env=climbing", "seed=3"])
    assert (again.seed, again.env.payoff[0][0]) == (3, 11)
    assert again.hydra.runtime.cwd == str(tmp_path) != first.hydra.runtime.cwd


def test_files_of_the_user_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    for stages in (2, 3):
        text = f"# @package _global_\ndefaults: [climbing]\nenv:\n  stages: {stages}\n"
        (tmp_path / "env/mine.yaml").write_text(text)
        assert remix.compose("env=mine", f"hydra.searchpath=[{tmp_path}]").env.stages == stages

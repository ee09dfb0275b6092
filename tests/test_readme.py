"""The README is one page, and its Python does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_it_is_one_page():
    assert len(README.encode()) <= 6_000
    for block in re.findall(r"```\w+\n(.*?)```", README, flags=re.DOTALL):
        assert max(map(len, block.splitlines())) <= 80


def test_it_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)(?:#\S+)?\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target


def test_training_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["run"].status == "finished"
    assert "env_steps" in capsys.readouterr().out
    assert (tmp_path / "episode.gif").exists()
    assert names["team"].spec == names["run"].module.spec
